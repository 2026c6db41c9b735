"""The tasks of this project itself: its tests, linters and benchmarks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

from invoke import Context, Exit, task

from environment.errors import ExitCode
from environment.workspace import PROJECT

# docs.pytest.org/en/stable/reference/exit-codes.html: what is not 0 or 1, in this project's codes
PYTEST = MappingProxyType({2: ExitCode.FAILURE, 3: ExitCode.FAILURE, 4: ExitCode.USAGE, 5: ExitCode.USAGE})
NO_OTHERS: Mapping[int, ExitCode] = MappingProxyType({})


@task(help={"only": "pytest's -m expression, such as 'not docker'", "path": "the test file or folder to run"})
def test(c: Context, only: str = "", path: str = "tests") -> None:
    """Run the tests (all of them; `--only "not docker and not triton"` takes seconds)."""
    _module("pytest", *(("-m", only) if only else ()), path, codes=PYTEST)


@task
def lint(c: Context) -> None:
    """Check style and types: ruff, ruff format and mypy --strict."""
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", ".")):
        _module(*words)


@task(help={"only": "one of them: diagnosis, doctor, gateway, images, inspection or rehearsal"})
def benchmark(c: Context, only: str = "") -> None:
    """Measure quality and speed, as ratios against a baseline in the same run; never fails on time."""
    _module("tests.benchmarks", *((only,) if only else ()))


def _module(*words: str, codes: Mapping[int, ExitCode] = NO_OTHERS) -> None:
    """Runs a Python module in the project's folder; ends the task with its exit code, or what `codes` makes of it."""
    code = subprocess.run((sys.executable, "-m", *words), cwd=PROJECT, check=False).returncode
    if code:
        raise Exit(code=codes.get(code, code))
