"""The engine that believes it has GPUs (engine.sh), and the stand-in image on it."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from environment.workspace import Workspace
from recipes.deployment import Deployment, Ports, deploy
from recipes.ports import free_ports
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.container.serving import build_image, image_of

ROOT = Path(__file__).parents[2]
UP = Path(__file__).with_name("engine.sh")
DEFAULT = Path("/var/tmp/trtllm-gpu-engine")


@dataclass(frozen=True)
class Host:
    """A host with GPUs, as far as its Docker Engine knows."""

    folder: Path

    def docker(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(("docker", *words), capture_output=True, text=True, timeout=120, check=False)
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", name))[0]
        return found

    def hooked(self) -> str:
        log = self.folder / "bin" / "hook.log"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    folder = Path(os.environ.get("TRTLLM_GPU_ENGINE", str(DEFAULT)))
    if not (folder / "docker.sock").exists():
        said = f'no engine for these tests: run eval "$({UP} up)" first (Debian 12, root)'
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/docker.sock")
    monkeypatch.setenv("TRTLLM_REHEARSAL_BASE", "trtllm-test/mpi:1")
    monkeypatch.setenv("PATH", f"/usr/bin:{os.environ['PATH']}")
    made = Host(folder)
    yield made
    if left := made.docker("ps", "--all", "--quiet"):
        made.docker("rm", "--force", *left.split())
    with warnings.catch_warnings():  # docker-py leaves its sockets to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def deployed(folder: Path, **said: Any) -> Deployment:
    http, grpc, metrics = free_ports(3, 18600 + os.getpid() % 300)
    ports = Ports(http=http, grpc=grpc, metrics=metrics)
    return deploy("qwen2", workspace=Workspace(folder), ports=ports, model_dir=str(SHIPPED), **said)


def with_image(host: Host, deployment: Deployment) -> Deployment:
    """The stand-in under the name of the real image."""
    build_image(deployment)
    host.docker("tag", image_of(deployment), deployment.image)
    return deployment


def invoke(folder: Path, *words: str, code: int = 0, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        (sys.executable, "-m", "invoke", *words),
        cwd=ROOT,
        env={**os.environ, "TRTLLM_WORKSPACE": str(folder), "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done
