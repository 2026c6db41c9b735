"""A server that has ended by itself: whether it has, and how that is told, with the log in which the cause stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment.errors import Trouble
from recipes import running, runs, server_container
from recipes.running import Seen
from recipes.runs import Run

ENDING = 2.0  # seconds that a server which answers nobody any more may take to be gone
GLANCE = 0.05  # seconds


class Crashed(Trouble):
    """The server of `run` has ended though nobody stopped it; `log` is its log, where there still is one."""

    def __init__(self, run: Run, what: str, *, where: str, why: str, mend: str, log: Path | None = None) -> None:
        super().__init__(what, where=where, why=why, mend=mend, log=log)
        self.run = run


def crash(folder: Path, run: Run, why: str = "") -> Crashed:
    """What is told of a server that has ended by itself; `folder` is that of all runs.

    The log of a container is written beside its record; of one that was removed there is none.
    """
    mend = f"./inv logs --name {run.name}   shows its last words; then serve it again"
    if not run.container:
        log = runs.folder(folder, run.name) / runs.LOG
        return Crashed(run, f"{run.name} has ended by itself", where=str(log), why=why, mend=mend, log=log)
    if not server_container.there(run):
        why = why or "its container is gone"
        return Crashed(run, f"{run.name} has ended by itself", where=run.container, why=why, mend="serve it again")
    what = f"the server {run.name!r} does not run: its container {server_container.ended(run)}"
    kept = server_container.keep_log(run, folder)
    return Crashed(run, what, where=str(kept or run.container), why=why, mend=mend, log=kept)


def lost(folder: Path, seen: Seen) -> list[Run]:
    """Those of the servers seen that have ended by themselves: of some nothing is left, of some the container."""
    contained = [run for run in seen.living if run.container and server_container.ended(run)]
    return [*seen.ended, *(run for run in contained if running.unstopped(folder, run))]


def of(folder: Path, name: str, why: str = "") -> Crashed | None:
    """The crash of the server recorded under a name; None while it runs, when it was stopped or is served again."""
    run = next((run for run in lost(folder, running.look(folder)) if run.name == name), None)
    return crash(folder, run, why) if run else None


@contextmanager
def noticed(folder: Path, run: Run | None) -> Iterator[None]:
    """While inside, a request that fails because the recorded server has ended by itself raises Crashed."""
    try:
        yield
    except Trouble as trouble:
        if run is not None and (crashed := _behind(trouble, folder, run.name)):
            raise crashed from trouble
        raise


def _behind(trouble: Trouble, folder: Path, name: str) -> Crashed | None:
    """The crash because of which a request failed; a server that answers nobody any more has time to be gone."""
    from recipes.client import Unreachable

    deadline = time.monotonic() + (ENDING if isinstance(trouble, Unreachable) else 0)
    while True:
        there = runs.read(folder, name) is not None
        crashed = of(folder, name, why=trouble.what)
        if crashed or not there or time.monotonic() >= deadline:
            return crashed
        time.sleep(GLANCE)
