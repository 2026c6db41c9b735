"""Every row explains words that real engines said, and rows do not shadow each other."""

from __future__ import annotations

import pytest

from environment.docker_errors import explain, known, recognise

SAID = [  # verbatim from Engine 20.10.24, 26.1.5, 28.5.2, docker-py 7.2.0, their command lines, and what a build runs
    (
        "daemon-absent",
        "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such'))",
    ),
    (
        "daemon-permission",
        "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Perm'))",
    ),
    (
        "daemon-down",
        "Error while fetching server API version: ('Connection aborted.', ConnectionRefusedError(111, 'r'))",
    ),
    (
        "daemon-hung",
        "Error while fetching server API version: UnixHTTPConnectionPool(host='localhost'): Read timed out.",
    ),
    ("daemon-lost", "('Connection broken: IncompleteRead(0 bytes read)', IncompleteRead(0 bytes read))"),
    ("auth", 'Head "https://nvcr.io/v2/nvidia/tritonserver/manifests/T": no basic auth credentials'),
    (
        "auth",
        "pull access denied for R, repository does not exist or may require 'docker login': denied: requested access",
    ),
    ("auth", "pulling from host nvcr.io failed with status code [manifests T]: 401 Unauthorized"),
    ("tag-unknown", "manifest for localhost:5000/a:b not found: manifest unknown: manifest unknown"),
    ("tag-unknown", 'failed to resolve reference "R:T": R:T: not found'),
    (
        "no-subnet",
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
    ),
    ("rate", "toomanyrequests: You have reached your pull rate limit"),
    ("dns", 'Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io on 192.0.2.1:53: no such host'),
    ("refused", 'Get "http://127.0.0.1:5599/v2/": dial tcp 127.0.0.1:5599: connect: connection refused'),
    ("tls", 'Get "https://r/v2/": x509: certificate signed by unknown authority'),
    (
        "untrusted",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to",
    ),
    ("untrusted", "curl: (60) SSL certificate problem: unable to get local issuer certificate"),
    ("untrusted", "fatal: unable to access 'https://h/x.git/': server certificate verification failed. CAfile: none"),
    (
        "untrusted",
        "Certificate verification failed: The certificate is NOT trusted. The certificate issuer is unknown.",
    ),
    ("untrusted", "ERROR: The certificate of '192.0.2.1' is not trusted."),
    ("http-registry", 'Get "https://r/v2/": http: server gave HTTP response to HTTPS client'),
    ("proxy-html", "error unmarshalling content: invalid character '<' looking for beginning of value"),
    ("corrupt", "filesystem layer verification failed for digest sha256:00"),
    ("arch", "no matching manifest for linux/amd64 in the manifest list entries"),
    ("disk", "failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device"),
    ("submodule", 'failed to compute cache key: "/tensorrt_llm/docker/common/x.patch" not found: not found'),
    ("buildkit", "ERROR: BuildKit is enabled but the buildx component is missing or broken."),
    ("no-nvidia-toolkit", 'could not select device driver "" with capabilities: [[gpu]]'),
    ("no-nvidia-runtime", "unknown or invalid runtime name: nvidia"),
    ("port", "Bind for 127.0.0.1:80 failed: port is already allocated"),
    ("docker-host", "Install paramiko package to enable ssh:// support"),
    ("docker-host", "Invalid bind address format: port is required: rubbish"),
    ("docker-context", "context not found: the one that DOCKER_CONTEXT or Docker's configuration names"),
    ("docker-context", 'error: current context "nope" is not found on the file system'),
    ("docker-tls", "Path to a certificate and key files must be provided through the client_cert param."),
    (
        "no-daemon",
        "Error while fetching server API version: 404 Client Error for http://127.0.0.1:5601/version: Not Found",
    ),
    ("no-registry", "missing signature key"),
    ("no-registry", "error unmarshalling content: json: cannot unmarshal array into Go value of type map[string]"),
    ("reference", "invalid reference format: repository name must be lowercase"),
    ("registry-broken", "received unexpected HTTP status: 503 Service Unavailable"),
    ("no-program", 'unable to start container process: exec: "python3": executable file not found in $PATH: unknown'),
    ("oom", "c++: fatal error: Killed signal terminated program cc1plus"),
]


@pytest.mark.parametrize(("name", "text"), SAID)
def test_what_engines_say_is_recognised(name: str, text: str) -> None:
    error = recognise(text)
    assert error is not None
    assert error.id == name


def test_rows_have_a_remedy_a_source_and_an_id_of_their_own() -> None:
    assert all(error.mend and error.source for error in known())
    assert len({error.id for error in known()}) == len(known())


def test_a_trouble_keeps_the_engines_own_words() -> None:
    trouble = explain("toomanyrequests: slow down", "pulling a:b")
    assert trouble.what.startswith("pulling a:b: ")
    assert trouble.why == "toomanyrequests: slow down"


def test_unknown_words_are_told_as_they_are() -> None:
    trouble = explain("the cat sat on it\n", "pulling a:b")
    assert (trouble.id, trouble.what, trouble.why) == ("", "pulling a:b failed", "the cat sat on it")


def test_a_mirror_is_mended_at_the_mirror() -> None:
    said = 'Head "https://mirror:5000/v2/nvidia/x/manifests/T": no basic auth credentials'
    assert explain(said, "pulling mirror:5000/nvidia/x:T", registry="mirror:5000").mend == "docker login mirror:5000"
    assert "$oauthtoken" in explain(said, "pulling nvcr.io/nvidia/x:T", registry="nvcr.io").mend
    assert all("{" not in error.mended("mirror:5000") for error in known())


def test_what_a_registry_says_is_no_command_to_a_terminal() -> None:
    assert explain("manifest unknown: \x1b[2Jred", "pulling a:b").why == "manifest unknown: red"
