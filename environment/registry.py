"""Reads an image's manifest and configuration from its registry: what is claimed, before a layer is pulled.

Speaks the registry's HTTP interface (OCI Distribution 1.1) with Docker's own logins and Docker's own trust: a CA in
/etc/docker/certs.d, plain HTTP on loopback only. Proxies come from the environment. The only module that imports
`requests`; it drops a login when it is redirected to another host.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from environment.docker_errors import DockerTrouble, explain
from environment.images.reference import parts
from environment.machine import roots

WAIT = (10, 30)  # seconds to connect, and between two bytes
LARGEST = 8_000_000  # bytes of a manifest or configuration; real ones have a few ten thousand
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
CERTIFICATES = Path("/etc/docker/certs.d")
Login = tuple[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a registry says of an image: its digest, its packed size in bytes, its labels and environment."""

    digest: str
    size: int
    architecture: str
    labels: Mapping[str, str]
    env: Mapping[str, str]


def look(reference: str, login: Login, architecture: str = "amd64") -> Published:
    """What the registry says of `reference`; raises DockerTrouble when it cannot be read or is not what it says."""
    host, repository, name = parts(reference)
    with requests.Session() as session:
        reader = Reader(session, host, repository, login)
        manifest, digest = reader.manifest(name)
        try:
            if "manifests" in manifest:
                manifest, _ = reader.manifest(for_architecture(manifest, architecture, reference))
            return published(manifest, digest, reader.blob(manifest["config"]["digest"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DockerTrouble(f"what {host} says of {reference} is no manifest: {error!r}") from error


def published(manifest: Mapping[str, Any], digest: str, configuration: Mapping[str, Any]) -> Published:
    """The two documents as one value."""
    config = configuration.get("config") or {}
    return Published(
        digest=digest,
        size=sum(layer["size"] for layer in manifest["layers"]),
        architecture=configuration.get("architecture", ""),
        labels=config.get("Labels") or {},
        env=dict(setting.partition("=")[::2] for setting in config.get("Env") or ()),
    )


def for_architecture(index: Mapping[str, Any], architecture: str, reference: str) -> str:
    """The digest of the one manifest of an index that is for linux on this architecture."""
    for entry in index["manifests"]:
        platform = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return str(entry["digest"])
    raise explain(f"no matching manifest for linux/{architecture}", f"looking at {reference}")


class Reader:
    """Reads one repository, logging in when the registry asks for it."""

    def __init__(self, session: requests.Session, host: str, repository: str, login: Login) -> None:
        self.session, self.login, self.host = session, login, host
        scheme = "http" if is_loopback(host) else "https"
        self.base = f"{scheme}://{'registry-1.docker.io' if host == 'docker.io' else host}/v2/{repository}"
        self.session.verify = trust(host)
        self.session.auth = anonymous  # or requests would look into ~/.netrc

    def manifest(self, name: str) -> tuple[dict[str, Any], str]:
        """The manifest of a tag or digest, and its digest."""
        body = self._get(f"{self.base}/manifests/{name}", ", ".join((*INDEXES, *MANIFESTS)))
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return self._document(body, digest, name if name.startswith("sha256:") else digest), digest

    def blob(self, digest: str) -> dict[str, Any]:
        """The JSON document of that digest."""
        body = self._get(f"{self.base}/blobs/{digest}", "*/*")
        return self._document(body, f"sha256:{hashlib.sha256(body).hexdigest()}", digest)

    def _document(self, body: bytes, digest: str, expected: str) -> dict[str, Any]:
        if digest != expected:
            raise explain(f"verification failed for digest {expected}: got {digest}", f"reading {self.base}")
        try:
            document = json.loads(body)
        except ValueError as error:
            raise explain(
                f"invalid character '<' looking for beginning of value ({error})", f"reading {self.base}"
            ) from error
        if not isinstance(document, dict):
            raise DockerTrouble(f"reading {self.base}: the registry answered with something else than a document")
        return document

    def _get(self, url: str, accept: str) -> bytes:
        doing = f"reading {url}"
        try:
            with self._answer(url, accept) as answer:
                if answer.status_code != requests.codes.ok:
                    raise refused(answer, doing, self.host)
                body = answer.raw.read(LARGEST + 1, decode_content=True)
        except requests.Timeout as error:
            raise explain(f"i/o timeout: {self.host}", doing) from error
        except (requests.RequestException, OSError) as error:
            raise explain(str(error), doing) from error
        if len(body) > LARGEST:
            raise DockerTrouble(f"{doing}: more than {LARGEST} bytes is no manifest")
        return bytes(body)

    def _answer(self, url: str, accept: str) -> requests.Response:
        answer = self.session.get(url, headers={"Accept": accept}, timeout=WAIT, stream=True)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code != requests.codes.unauthorized or not challenge:
            return answer
        answer.close()
        self.session.auth = self._authorisation(challenge)
        return self.session.get(url, headers={"Accept": accept}, timeout=WAIT, stream=True)

    def _authorisation(self, challenge: str) -> Any:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return self.login or anonymous
        words = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = words.pop("realm", "")
        if urlsplit(realm).scheme != "https" and not is_loopback(urlsplit(realm).netloc):
            raise DockerTrouble(f"{self.host} sends logins to {realm!r}, which is not https: refused")
        said = self.session.get(realm, params=words, auth=self.login or anonymous, timeout=WAIT)
        if said.status_code != requests.codes.ok:
            raise refused(said, f"logging in to {self.host}", self.host)
        document = said.json()
        if not isinstance(document, dict):
            raise DockerTrouble(f"{realm}: what gives out the logins of {self.host} answers with something else")
        return Bearer(document.get("token") or document.get("access_token") or "")


class Bearer(requests.auth.AuthBase):
    """A token that a registry gave out for one repository."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Nobody."""
    return request


def refused(answer: requests.Response, doing: str, registry: str) -> DockerTrouble:
    """The trouble of an answer that is not 200, in the words an engine would use."""
    known = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "manifest unknown", 429: "429 Too Many Requests"}
    words = known.get(answer.status_code, f"received unexpected HTTP status: {answer.status_code} {answer.reason}")
    return explain(words, doing, registry=registry)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, where engines allow plain HTTP."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def trust(host: str) -> bool | str:
    """The CA file for a registry: Docker's own for that host, else the system's, else the built-in ones."""
    own = CERTIFICATES / host / "ca.crt"
    return str(own) if own.is_file() else roots() or True
