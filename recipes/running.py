"""Which of the recorded servers are there, and the end of one; what is left of those that have ended is removed."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from environment.errors import Trouble
from environment.turns import hold, idle
from recipes import processes, server_container
from recipes.runs import ENDED, RECORD, Run, each, folder, forget, past, read


class Seen(NamedTuple):
    """The runs that are there, those that have ended by themselves, and what is wrong with the records of others.

    `ended` has the latest first. They are in it until they are served again, or `stop` is said.
    """

    living: list[Run]
    ended: list[Run]
    damaged: list[Trouble]


def look(runs: Path) -> Seen:
    """What is recorded, by name. The records of what has ended by itself are put aside, and what is left of it removed.

    Damaged ones stay; they hide none of the others.
    """
    living, damaged = list[Run](), list[Trouble]()
    for found in each(runs):
        if isinstance(found, Trouble):
            damaged.append(found)
        elif alive(found):
            living.append(found)
        elif unstopped(runs, found):
            end(found)
            with suppress(FileNotFoundError):  # another look was faster
                (folder(runs, found.name) / RECORD).replace(folder(runs, found.name) / ENDED)
    return Seen(living, past(runs), damaged)


def living(runs: Path) -> list[Run]:
    """The runs that are there; the records of others are put aside."""
    return look(runs).living


def unstopped(runs: Path, run: Run) -> bool:
    """Whether nobody has stopped a server that was seen to have ended: `stop` holds the record, then removes it."""
    with suppress(FileNotFoundError):
        return idle(folder(runs, run.name) / RECORD) and read(runs, run.name) == run
    return False


def alive(run: Run) -> bool:
    """Whether the recorded process, not another with its id, is running; or whether the container is there at all."""
    if run.container:
        return server_container.there(run)
    return processes.alive(run.process, run.born)


def stop(runs: Path, run: Run) -> None:
    """Ends the server and every process of its session, then removes the record, which it holds until then.

    So who sees the server end meanwhile knows that it was stopped.
    """
    with ExitStack() as holding:
        with suppress(FileNotFoundError):
            record = holding.enter_context((folder(runs, run.name) / RECORD).open("rb"))
            hold(record.fileno(), f"stopping {run.name}")
        end(run)
        forget(runs, run.name)


def end(run: Run) -> None:
    """Ends the server and every process of its session; what is left of one that has ended is removed."""
    if run.container:
        server_container.stop(run)
    elif alive(run):
        processes.end(run.process)
