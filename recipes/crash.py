"""A server that has ended by itself: how that is told, with the log in which the cause stands."""

from __future__ import annotations

import time
from pathlib import Path

from environment.errors import Trouble
from recipes import runs, server_container
from recipes.runs import Run

ENDING = 2.0  # seconds that a server which answers nobody any more may take to be gone
GLANCE = 0.05  # seconds


class Crashed(Trouble):
    """The server has ended though nobody stopped it; `log` is its log, where there still is one."""


def crash(folder: Path, run: Run, why: str = "") -> Crashed:
    """What is told of a recorded server that is gone, or whose container has ended; `folder` is that of all runs.

    The log of a container is written beside its record; of one that was removed there is none.
    """
    what, log = f"{run.name} has ended by itself", runs.folder(folder, run.name) / runs.LOG
    mend = f"mend the cause, then serve it again; ./inv logs --name {run.name}   shows its last words"
    if not run.container:
        return Crashed(what, where=str(log), why=why, mend=mend, log=log)
    if not server_container.there(run):
        return Crashed(what, where=run.container, why=why or "its container is gone", mend="serve it again")
    what = f"the server {run.name!r} does not run: its container {server_container.ended(run)}"
    kept = server_container.keep_log(run, folder)
    return Crashed(what, where=str(kept or run.container), why=why, mend=mend, log=kept)


def behind(trouble: Trouble, folder: Path, run: Run) -> Crashed | None:
    """The crash because of which a request to the server failed; None where the server goes on."""
    from recipes.client import Unreachable

    deadline = time.monotonic() + (ENDING if isinstance(trouble, Unreachable) else 0)
    while not gone(run):
        if time.monotonic() >= deadline:
            return None
        time.sleep(GLANCE)
    return crash(folder, run, why=trouble.what)


def gone(run: Run) -> bool:
    """Whether the process of the server, or its container, has ended."""
    return bool(server_container.ended(run)) if run.container else not runs.alive(run)
