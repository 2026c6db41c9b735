"""What can go wrong in a way a person can mend, and the exit code it ends with."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from enum import IntEnum
from itertools import takewhile
from pathlib import Path


class ExitCode(IntEnum):
    """Every exit code of every task (README, "Exit codes")."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    UNKNOWN = 3
    BUG = 4
    INTERRUPTED = 130


class Trouble(Exception):
    """An expected failure: what is wrong (with both values), where, why it matters, and what mends it.

    `log` is the file which the failed step wrote: who tells the trouble looks there for the cause.
    """

    code = ExitCode.FAILURE

    def __init__(self, what: str, *, where: str = "", why: str = "", mend: str = "", log: Path | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.why, self.mend, self.log = what, where, why, mend, log

    def __str__(self) -> str:
        rows = (("where", self.where), ("why", self.why), ("mend", self.mend))
        return "\n".join([self.what, *(f"  {name:<5}  {text}" for name, text in rows if text)])


class Usage(Trouble):
    """The words of the command are off: an unknown name, a value out of range."""

    code = ExitCode.USAGE


class Undetermined(Trouble):
    """What was asked could not be found out, which is neither a pass nor a failure."""

    code = ExitCode.UNKNOWN


def no_space(error: Exception, where: str) -> Trouble | None:
    """The trouble of a write to a full disk or quota, `where` no file is named; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    return Trouble(
        f"there is no room to write: {error.strerror}",
        where=str(error.filename or where),
        why="records, logs and what is built lie there",
        mend="df -h shows what is full; ./inv engines --prune what could go",
    )


def unknown_name(kind: str, name: str, known: Iterable[str], *, mend: str = "") -> Usage:
    """The error for a name that is not among the known ones: it names the nearest."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=max(len(choices), 1), cutoff=0.5)
    nearest = max(near, key=lambda choice: _likeness(name, choice), default="")
    why = f"did you mean {nearest!r}?" if nearest else f"known: {', '.join(choices)}"
    return Usage(f"unknown {kind} {name!r}", why=why, mend=mend)


def _likeness(one: str, other: str) -> tuple[float, int]:
    """How alike, and of equals how long the common start: v0.10 means v0.10.0 rather than v0.11.0."""
    start = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return difflib.SequenceMatcher(None, one, other).ratio(), len(list(start))
