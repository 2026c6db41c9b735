"""The engine that believes it has GPUs (engine.sh), the stand-in image on it, and a host whose driver answers."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from environment.image_layout import IDENTITY
from environment.images.order import ordered
from environment.images.planning import identity
from environment.plan import Plan
from environment.workspace import Workspace
from recipes.container_runs import carry_out_watched
from recipes.deployment import Deployment, Ports, deploy
from recipes.ports import free_ports
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.container.serving import FOR_GPUS, build_image, image_of
from recipes.rehearsal.container.tools import COMPUTE
from recipes.serve import plan
from tests.serving import gpu_host

ROOT = Path(__file__).parents[2]
UP = Path(__file__).with_name("engine.sh")
DEFAULT = Path("/var/tmp/trtllm-gpu-engine")
SAID = f'no engine for these tests: run eval "$({UP} up)" first (Debian 12, root)'
QUESTION, CHEETAH = "陆地上最快的动物是什么?", "陆地上最快的动物是猎豹🐆,时速可达120公里。"


@dataclass(frozen=True)
class Host:
    """A host with GPUs: its Docker Engine, and what commands find there of a driver."""

    folder: Path
    driver: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DOCKER_HOST": f"unix://{self.folder}/docker.sock",
            "TRTLLM_REHEARSAL_BASE": "trtllm-test/mpi:1",
            "PATH": f"/usr/bin:{os.environ['PATH']}",
        }

    def docker(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ("docker", *words),
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", name))[0]
        return found

    def hooked(self) -> str:
        log = self.folder / "bin" / "hook.log"
        return log.read_text() if log.exists() else ""

    def left(self) -> str:
        """The containers and networks that are there."""
        networks = self.docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}")
        return "\n".join(filter(None, (self.docker("ps", "--all", "--format", "{{.Names}}"), networks)))

    def typed(
        self, folder: Path, *words: str, code: int = 0, gpus: int = 4, timeout: float = 240, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """`./inv` as it is typed, on the host with so many GPUs, its workspace in `folder`."""
        said = {**os.environ, **self.environment, **gpu_host.variables(self.driver, gpus)}
        path = f"{self.driver / 'bin'}:{self.environment['PATH']}"
        done = subprocess.run(
            gpu_host.on_it(self.driver, ("./inv", *words)),
            cwd=ROOT,
            env={**said, "PATH": path, "TRTLLM_WORKSPACE": str(folder), "COLUMNS": "80", **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def status(self, folder: Path) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.typed(folder, "status", "--json").stdout)["servers"]
        return rows

    @contextmanager
    def engine_down(self) -> Iterator[None]:
        """Ends the engine as a reboot does; after the block it is there again."""
        said = {**os.environ, "TRTLLM_GPU_ENGINE_DIR": str(self.folder)}
        subprocess.run((str(UP), "end"), env=said, check=True, capture_output=True, timeout=120)
        try:
            yield
        finally:
            subprocess.run((str(UP), "up"), env=said, check=True, stdout=subprocess.DEVNULL, timeout=120)


@pytest.fixture(scope="session")
def gpus(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """The host; in CI its absence is a failure."""
    folder = Path(os.environ.get("TRTLLM_GPU_ENGINE", str(DEFAULT)))
    if not (folder / "docker.sock").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(SAID)
        pytest.skip(SAID)
    driver = tmp_path_factory.mktemp("driver")
    gpu_host.build(driver)
    return Host(folder, driver)


@pytest.fixture
def host(gpus: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The host for one test, and after it no container and no network."""
    for name, value in gpus.environment.items():
        monkeypatch.setenv(name, value)
    yield gpus
    if left := gpus.docker("ps", "--all", "--quiet"):
        gpus.docker("rm", "--force", *left.split())
    if networks := gpus.docker("network", "ls", "--filter", "type=custom", "--quiet"):
        gpus.docker("network", "rm", *networks.split())
    with warnings.catch_warnings():  # docker-py leaves its sockets to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def image(gpus: Host, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The stand-in under the name of the real image, with the label of a verified one, and its GPUs' capability."""
    folder = tmp_path_factory.mktemp("image")
    deployment = deployed(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in gpus.environment.items():
            patch.setenv(name, value)
        build_image(deployment)
        order = ordered(tag=deployment.release.tag, way="", name="", registry="", jobs=0, architectures="")
        lines = (f"FROM {image_of(deployment)}", f"ENV {COMPUTE}={gpu_host.compute()}")
        folder.joinpath("Dockerfile").write_text("\n".join((*lines, f"LABEL {IDENTITY}={identity(order)}\n")))
        gpus.docker("build", "--quiet", "--tag", deployment.image, "--file", str(folder / "Dockerfile"), str(folder))
    return deployment.image


@pytest.fixture(scope="session")
def built(gpus: Host, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment whose engine and model repository are finished."""
    with roomy(tmp_path_factory.mktemp("built")) as folder:
        deployment = deployed(folder, tp=2, compute=gpu_host.compute())
        with pytest.MonkeyPatch.context() as patch:
            for name, value in gpus.environment.items():
                patch.setenv(name, value)
            steps = tuple(step for step in planned(deployment, start=False).steps if step.argv[:2] not in FOR_GPUS)
            plan_of_it = replace(planned(deployment, start=False), steps=steps)
            carry_out_watched(plan_of_it, deployment, deployment.workspace.runs, rehearsal=False)
        yield deployment


@contextmanager
def roomy(folder: Path) -> Iterator[Path]:
    """The folder with the free space that a preflight wants for the real checkpoint; the stand-in takes megabytes."""
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=100g", "none", str(folder)), check=True)
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


def planned(deployment: Deployment, *, start: bool, user: str = "") -> Plan:
    """The plan of serve from the start of the server on, or up to it; `user` is uid:gid, this one by default."""
    whole = plan(deployment, user or f"{os.getuid()}:{os.getgid()}")
    at = next(place for place, step in enumerate(whole.steps) if step.tool == "network")
    return replace(whole, steps=whole.steps[at:] if start else whole.steps[:at])


def deployed(folder: Path, **said: Any) -> Deployment:
    http, grpc, metrics = free_ports(3, 18600 + os.getpid() % 300)
    ports = Ports(http=http, grpc=grpc, metrics=metrics)
    return deploy("qwen2", workspace=Workspace(folder), ports=ports, model_dir=str(SHIPPED), **said)


def port_words(start: int = 18600) -> tuple[str, ...]:
    """Three free ports as options."""
    names = ("--http-port", "--grpc-port", "--metrics-port")
    ports = free_ports(3, start + os.getpid() % 300)
    return tuple(word for name, port in zip(names, ports, strict=True) for word in (name, str(port)))
