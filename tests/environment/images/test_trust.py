"""A company's CA: checked where it enters, handed to a build as a secret, and git is told of it, too."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from environment.errors import Usage
from environment.images.order import ordered
from environment.images.planning import plan
from environment.images.trust import EDIT, LARGEST, checked_ca
from environment.machine import Machine
from environment.plan import Plan
from environment.workspace import PROJECT
from tests.command_line import invoke
from tests.docker.company import EC, openssl

HOST = Machine(processors=4, memory=10**10, swap=0, architectures=("90-real",), buildkit=True, roots="/etc/roots.crt")
DOCKERFILE = """\
ARG BASE_IMAGE=a
FROM ${BASE_IMAGE} AS base
RUN --mount=type=cache,target=/root/.cache pip install x && \\
    RUNNING=1 true
FROM base
COPY RUN /RUN
RUN true
"""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl(tmp_path, "req", "-x509", *EC, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Company")
    return tmp_path / "ca.crt"


def planned(ca: Path, tag: str, way: str = "source", host: Machine = HOST) -> Plan:
    return plan(ordered(tag=tag, way=way, name="", registry="", ca=str(ca)), host, Path("/workspace"))


def test_certificates_are_taken_by_their_absolute_path(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(certificate.parent)
    assert checked_ca("ca.crt") == str(certificate)
    assert checked_ca("") == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nx\n", "holds no certificate"),
    ],
)
def test_what_is_no_certificate_is_refused(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        tmp_path.joinpath("ca.crt").write_text(content)
    with pytest.raises(Usage, match=said):
        checked_ca(str(tmp_path / "ca.crt"))


def test_a_folder_a_private_key_and_a_heap_are_refused(certificate: Path) -> None:
    with pytest.raises(Usage, match="Is a directory"):
        checked_ca(str(certificate.parent))
    both = certificate.with_name("both.pem")
    both.write_text(certificate.read_text() + certificate.with_name("ca.key").read_text())
    with pytest.raises(Usage, match="holds a private key"):
        checked_ca(str(both))
    both.write_text(certificate.read_text() + "\n" * LARGEST)
    with pytest.raises(Usage, match=f"more than {LARGEST}"):
        checked_ca(str(both))


@pytest.mark.parametrize("tag", ["v0.10.0", "v0.21.0"])
def test_a_build_is_handed_the_certificates_as_a_secret(certificate: Path, tag: str) -> None:
    steps = planned(certificate, tag).steps
    build = next(step for step in steps if step.title == f"Build trtllm-source:{tag}")
    assert f"--secret id=ca,src=/workspace/images/{tag}/ca/ca" in " ".join(build.argv)
    joined = next(step for step in steps if step.argv[:2] == ("sed", "-n"))
    assert joined.argv[2:] == (f"w /workspace/images/{tag}/ca/ca", "/etc/roots.crt", str(certificate))
    assert all(step.env["GIT_SSL_CAINFO"] for step in steps if step.argv[0] == "git")
    overlay = next(step for step in steps if step.title.startswith("Build the overlay"))
    assert "secret" not in " ".join(overlay.argv)  # it fetches nothing


def test_a_pulled_image_tells_git_alone(certificate: Path) -> None:
    text = str(planned(certificate, "v0.10.0", "ngc"))
    assert "GIT_SSL_CAINFO" in text
    assert "--secret" not in text


def test_without_one_nothing_is_said_of_it() -> None:
    text = str(plan(ordered(tag="v0.10.0", way="source", name="", registry=""), HOST, Path("/workspace")))
    assert "secret" not in text
    assert "GIT_SSL_CAINFO" not in text


def test_the_classic_builder_knows_no_secrets_and_is_planned_around(certificate: Path) -> None:
    plan = planned(certificate, "v0.10.0", host=replace(HOST, buildkit=False))
    build = next(step for step in plan.steps if step.title == "Build trtllm-source:v0.10.0")
    assert build.env == {"DOCKER_BUILDKIT": "1"}


def test_every_instruction_is_edited_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(DOCKERFILE)
    subprocess.run(["sed", "-i", "-f", str(PROJECT / EDIT), str(file)], check=True)
    lines = file.read_text().splitlines()
    assert lines.count("ARG PIP_CERT=/run/secrets/ca") == 2
    assert lines[1:3] == ["FROM ${BASE_IMAGE} AS base", "ARG SSL_CERT_FILE=/run/secrets/ca"]
    secrets = "--mount=type=secret,id=ca,mode=0444 --mount=type=secret,id=ca-apt,mode=0444 --mount=type=secret,"
    assert [line for line in lines if line.startswith("RUN ")] == [
        f"RUN {secrets}id=ca-wget,mode=0444 --mount=type=cache,target=/root/.cache pip install x && \\",
        f"RUN {secrets}id=ca-wget,mode=0444 true",
    ]
    assert {"COPY RUN /RUN", "    RUNNING=1 true", "ARG BASE_IMAGE=a"} <= set(lines)


def test_a_setting_names_it_and_the_option_is_checked_as_it_is_typed(certificate: Path, tmp_path: Path) -> None:
    typed = ("--dry", "image", "--tag", "v0.10.0", "--from", "source")
    said = invoke(*typed, workspace=tmp_path, INVOKE_IMAGE_CA=str(certificate))
    assert certificate.name in said.stdout
    refused = invoke(*typed, "--ca", str(tmp_path / "none"), workspace=tmp_path)
    assert refused.returncode == 2
    assert "No such file" in refused.stderr
