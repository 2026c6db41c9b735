from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from recipes import chosen, running
from recipes.ports import free_ports
from recipes.runs import Run

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Home:
    """The project's tasks with a workspace and ports of their own."""

    workspace: Path
    ports: tuple[int, int, int]

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "TRTLLM_WORKSPACE": str(self.workspace), "COLUMNS": "80"}

    @property
    def port_options(self) -> tuple[str, ...]:
        http, grpc, metrics = map(str, self.ports)
        return ("--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics)

    def invoke(self, *words: str, code: int = 0, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "-m", "invoke", *words)
        done = subprocess.run(
            argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def serve(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.invoke("serve", "qwen2", "--rehearse", *self.port_options, *words, code=code)

    @property
    def run(self) -> Run:
        return chosen.choose(self.workspace / "runs", "qwen2")

    def close(self) -> None:
        for run in running.living(self.workspace / "runs"):
            running.stop(self.workspace / "runs", run)


def make_home(folder: Path, start: int) -> Home:
    http, grpc, metrics = free_ports(3, start)
    return Home(folder / "workspace", (http, grpc, metrics))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home in which `qwen2` is being rehearsed, for all tests of a module."""
    made = make_home(tmp_path_factory.mktemp("home"), 18000 + os.getpid() % 1000)
    made.serve()
    yield made
    made.close()


@pytest.fixture
def empty_home(tmp_path: Path) -> Iterator[Home]:
    """A home in which nothing runs yet."""
    made = make_home(tmp_path, 19500 + os.getpid() % 1000)
    yield made
    made.close()
