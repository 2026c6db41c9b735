"""Waits for a server in a container; when it dies or is late, its own log is fetched: there stands the cause."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from environment.errors import Trouble
from environment.plan import Step
from recipes.rehearsal.server import answers_ready

GLANCE = 1.0  # seconds
ASKING = 30  # seconds the engine has for a small question


def until_ready(container: str, port: int, within: float) -> Callable[[tuple[str, ...], Step, Path], None]:
    """The actor of the waiting step: as its command does it, but it sees at once when the container has ended.

    Raises Trouble whose `log` is the server's, written to the step's log.
    """

    def wait(_words: tuple[str, ...], _step: Step, log: Path) -> None:
        deadline = time.monotonic() + within
        while not answers_ready(port):
            if not running(container):
                raise _trouble(f"the server {container} ended before it was ready", container, log)
            if time.monotonic() > deadline:
                raise _trouble(f"the server {container} was not ready within {within:g} s", container, log)
            time.sleep(GLANCE)

    return wait


def running(container: str) -> bool:
    """Whether the engine says that the container runs; an engine that does not answer is no reason to give up."""
    words = ("docker", "inspect", "--format", "{{.State.Running}}", container)
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=ASKING, check=False)
    except subprocess.TimeoutExpired:
        return True
    return asked.returncode == 0 and asked.stdout.strip() == "true"


def _trouble(what: str, container: str, log: Path) -> Trouble:
    with log.open("wb") as file:
        subprocess.run(("docker", "logs", container), stdout=file, stderr=file, timeout=ASKING, check=False)
    return Trouble(
        what,
        where=str(log),
        why="its log is kept there; the container stays as it is",
        mend=f"mend the cause, docker rm -f {container}, then run the same command again",
        log=log,
    )
