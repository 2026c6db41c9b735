"""Waits for a server in a container; when it dies or is late, its own log is there: in it stands the cause."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from environment.console import say
from environment.errors import Trouble
from environment.plan import Step
from recipes.rehearsal.server import Watch, answers_ready

GLANCE = 1.0  # seconds
TELLING = 15.0  # seconds between two words on what is still missing
ASKING = 30  # seconds the engine has for a small question
STATE = "{{.State.Running}} {{.RestartCount}} {{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"


def until_ready(
    container: str, port: int, within: float, models: Collection[str] = (), repository: str = ""
) -> Callable[[tuple[str, ...], Step, Path], None]:
    """The actor of the waiting step: as its command does it, but it sees at once when the container has ended.

    It says which of the `models` are loaded, and what is waited for. Raises Trouble whose `log` is the server's, which
    is written to the step's log as it grows; `repository` is the folder that may be damaged, and is written anew.
    """

    def wait(_words: tuple[str, ...], _step: Step, log: Path) -> None:
        begun = told = time.monotonic()
        with logged(container, log) as complete:
            watch = Watch(log, say)
            while not answers_ready(port):
                watch.look()
                if end := ended(container):
                    complete()
                    raise _trouble(f"the server {container} ended before it was ready: {end}", log, repository)
                now = time.monotonic()
                if now - begun > within:
                    raise _trouble(f"the server {container} was not ready within {within:g} s", log, repository)
                if now - told > TELLING:
                    told = now
                    say(f"      {now - begun:.0f} s of at most {within:g}: waits for {missing(models, watch.models)}")
                time.sleep(GLANCE)
            watch.look()

    return wait


def missing(models: Collection[str], loaded: Collection[str]) -> str:
    """What is not there yet, in words."""
    return ", ".join(name for name in models if name not in loaded) or "the server's word that it is ready"


@contextmanager
def logged(container: str, log: Path) -> Iterator[Callable[[], object]]:
    """While inside, the container's log is copied to `log` as it grows; what is yielded waits for its end."""
    words = ("docker", "logs", "--follow", container)
    with log.open("wb") as file, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file) as copying:

        def complete() -> None:
            with suppress(subprocess.TimeoutExpired):
                copying.wait(ASKING)

        try:
            yield complete
        finally:
            copying.kill()


def ended(container: str) -> str:
    """How the container ended, for the first time or again; empty while it runs, or when the engine does not answer."""
    words = ("docker", "inspect", "--format", STATE, container)
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=ASKING, check=False)
    except subprocess.TimeoutExpired:
        return ""
    if asked.returncode:
        return "" if "daemon" in asked.stderr else "it is gone"
    running, restarts, status, code, memory = asked.stdout.split()
    if running == "true" and restarts == "0":
        return ""
    return f"{status} with code {code}{', out of memory' if memory == 'true' else ''}"


def _trouble(what: str, log: Path, repository: str) -> Trouble:
    why = "it is ended and its container removed; its log is kept"
    mend = "mend the cause, then run the same command again"
    if repository:
        mend += f"\n         where the model repository is damaged, it is written anew after: rm -r {repository}"
    return Trouble(what, where=str(log), why=why, mend=mend, log=log)
