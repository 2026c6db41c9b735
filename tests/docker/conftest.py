"""Real engines, one test each; a registry with and without login; and nothing left of either afterwards."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker.standins import Upstream, upstream_repositories
from tests.waiting import PATIENCE, soon

LIST = "TRTLLM_TEST_ENGINES"
UP = Path(__file__).with_name("engine.sh")
DEFAULT = Path("/var/tmp/trtllm-test-engines")
# The password is "test-key", hashed with bcrypt as docker-registry wants it.
LOGIN, KEY = "$oauthtoken", "test-key"
HTPASSWD = "$oauthtoken:$2y$05$5Y5RUfLaKsJpf4dg46IeMeI/G4ceQ9LviiwtxhjVCn6xclWqJZzJu\n"


def folders() -> list[Path | None]:
    """The engines that engine.sh has brought up; None for none, so that the tests can say so."""
    listed = [Path(folder) for folder in os.environ.get(LIST, "").split(":") if folder]
    return [*(listed or sorted(socket.parent for socket in DEFAULT.glob("*/docker.sock")))] or [None]


@dataclass(frozen=True)
class RealEngine:
    """An engine that engine.sh brought up, with the command line that belongs to it."""

    folder: Path
    config: Path

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def env(self) -> dict[str, str]:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.config), "PATH": path}

    def docker(self, *words: str, stdin: str = "", check: bool = True) -> str:
        command = [str(self.folder / "bin" / "docker"), *words]
        done = subprocess.run(
            command,
            env={**os.environ, **self.env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def everything(self) -> set[str]:
        """Names of images, containers, volumes and networks."""
        images = self.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
        containers = self.docker("container", "ls", "--all", "--format", "container {{.Names}}").splitlines()
        volumes = self.docker("volume", "ls", "--format", "volume {{.Name}}").splitlines()
        networks = self.docker("network", "ls", "--format", "network {{.Name}}").splitlines()
        return {name for name in (*images, *containers, *volumes, *networks) if "<none>" not in name}

    def dangling(self) -> set[str]:
        """Images without a name that are nobody's parent."""
        return set(self.docker("image", "ls", "--quiet", "--filter", "dangling=true").splitlines())


@pytest.fixture(autouse=True)
def sockets_of_failed_connections() -> Iterator[None]:
    """docker-py leaves them to the garbage collector, which would warn in the middle of some other test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(params=folders(), ids=lambda folder: folder.name if folder else "none")
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealEngine]:
    if request.param is None:
        said = f'no engines for the tests: run eval "$({UP} up)" first (Debian 12, root)'
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with request.param.joinpath("in-use").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run of the tests may use the same engines
        yield from lent(RealEngine(request.param, tmp_path / "docker-config"), monkeypatch)


def lent(real: RealEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealEngine]:
    """The engine for one test, and after it only what was there before."""
    plugins = real.folder / "cli" / "cli-plugins"
    real.config.mkdir()
    if plugins.exists():
        real.config.joinpath("cli-plugins").symlink_to(plugins)
    for name, value in real.env.items():
        monkeypatch.setenv(name, value)
    before = real.everything()
    yield real
    for name in sorted(real.everything() - before):
        kind, _, one = name.rpartition(" ")
        real.docker(kind or "image", "rm", *(() if kind == "network" else ("--force",)), one, check=False)
    for label in ("io.trtllm.made-by", "io.trtllm.test"):
        real.docker("image", "prune", "--force", "--filter", f"label={label}")
    assert real.everything() == before


@pytest.fixture
def daemon(engine: RealEngine) -> int:
    """The process id of the private engine; some tests hurt it."""
    file = engine.folder / "docker.pid"
    if not file.exists():
        pytest.skip("this engine is not the tests' own")
    return int(file.read_text())


@dataclass(frozen=True)
class Registry:
    """A registry on loopback."""

    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def serve_registry(folder: Path, *, login: bool) -> Iterator[Registry]:
    registry, config = Registry(free_port()), folder / "registry.json"
    auth = {"auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}} if login else {}
    folder.joinpath("htpasswd").write_text(HTPASSWD)
    config.write_text(
        json.dumps(
            {
                "version": 0.1,
                "log": {"level": "error"},
                "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
                "http": {"addr": registry.host},
                **auth,
            }
        )
    )
    with folder.joinpath("registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        wait_for(registry)
        yield registry
    finally:
        process.terminate()
        process.wait(60)


def wait_for(registry: Registry) -> None:
    def answers() -> bool:
        try:
            urllib.request.urlopen(f"http://{registry.host}/v2/", timeout=PATIENCE).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    assert soon(answers), "docker-registry does not start"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    yield from serve_registry(folder, login=False)


@pytest.fixture
def private_registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "private"
    folder.mkdir()
    yield from serve_registry(folder, login=True)


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Repositories of upstream's shape, where git finds github.com."""
    made = upstream_repositories(tmp_path / "github")
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[url "file://{tmp_path}/github/"]\n\tinsteadOf = https://github.com/\n'
        '[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n[protocol "file"]\n\tallow = always\n'
        "[safe]\n\tdirectory = *\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return made
