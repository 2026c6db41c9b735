"""A build from source behind a company's CA and proxy, on real engines: all of it fetches, the image keeps nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.docker_errors import DockerTrouble
from environment.images import readiness
from environment.images.choice import choose
from environment.images.making import Made, make
from environment.images.order import Order, source_name
from environment.releases import Release
from tests.docker.company import FETCHERS, FETCHING, Server, add_fetchers, proxy, server
from tests.docker.conftest import RealEngine, Registry
from tests.docker.standins import Upstream, standin

pytestmark = pytest.mark.docker
NAME = "trtllm-test:v0.10.0"
VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "APT_CONFIG", "WGETRC", "PROXY")


@pytest.fixture
def address(engine: RealEngine) -> str:
    """Where a build finds this host: the engine's bridge."""
    return engine.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")


@pytest.fixture
def company(address: str, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "company"
    folder.mkdir()
    with server(folder, address) as made:
        yield made


@pytest.fixture
def base(engine: RealEngine, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base of v0.10.0 at the registry, with everything that fetches."""
    monkeypatch.setattr(readiness, "SOURCE_BUILD", 1_000_000)
    reference = f"{registry.host}/nvidia/tritonserver:24.03-py3"
    add_fetchers(tmp_path / "standin" / "root")
    standin(engine, reference, tmp_path / "standin", container="24.03", torch="2.2.2")
    engine.docker("push", reference)


def fetching(upstream: Upstream, company: Server) -> Release:
    return upstream.changed({"docker/common/install_tensorrt.sh": FETCHING.format(url=company.url)})


def built(release: Release, registry: Registry, workspace: Path, ca: str = "") -> Made:
    order = Order(release=release, choice=choose(release, "source"), name=NAME, registry=registry.host, jobs=3, ca=ca)
    return make(order, workspace)


def everything_of(engine: RealEngine, workspace: Path) -> bytes:
    """Every layer of the images, their history and configuration, and every log."""
    words = [str(engine.folder / "bin" / "docker"), "save", NAME, source_name("v0.10.0")]
    saved = subprocess.run(words, capture_output=True, check=True).stdout
    logs = b"".join(file.read_bytes() for file in sorted(workspace.glob("images/*/logs/*")))
    history = engine.docker("history", "--no-trunc", NAME) + engine.docker("image", "inspect", NAME)
    return saved + history.encode() + logs


def test_everything_that_fetches_trusts_the_company_and_nothing_stays(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: None, company: Server, tmp_path: Path
) -> None:
    made = built(fetching(upstream, company), registry, tmp_path, str(company.ca))
    kept = everything_of(engine, tmp_path)
    for name in FETCHERS:
        assert f"FETCHED BY {name}".encode() in kept
    assert company.ca.read_bytes().splitlines()[2] not in kept
    assert not any(word in variable for variable in made.image.env for word in VARIABLES)


def test_without_it_the_failure_names_the_option(
    engine: RealEngine, registry: Registry, upstream: Upstream, base: None, company: Server, tmp_path: Path
) -> None:
    with pytest.raises(DockerTrouble) as caught:
        built(fetching(upstream, company), registry, tmp_path)
    assert caught.value.id == "untrusted"
    assert "--ca FILE" in caught.value.mend


def test_a_proxy_with_a_password_serves_the_build_and_is_told_of_nowhere(
    engine: RealEngine,
    registry: Registry,
    upstream: Upstream,
    base: None,
    company: Server,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with proxy(address, "user:hidden-word") as between:
        url = f"http://user:hidden-word@{address}:{between.server_port}"
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, registry.host.partition(":")[0])
        made = built(fetching(upstream, company), registry, tmp_path, str(company.ca))
    assert len(between.connected) >= len(FETCHERS)
    assert not any("PROXY" in variable.upper() for variable in made.image.env)
    assert b"hidden-word" not in everything_of(engine, tmp_path)
    assert "hidden-word" not in "".join(capfd.readouterr())
