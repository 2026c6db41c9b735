"""What can go wrong in a way a person can mend, and the exit code it ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
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


def unknown_name(kind: str, name: str, known: Iterable[str], *, mend: str = "") -> Usage:
    """The error for a name that is not among the known ones: it names the nearest."""
    choices = list(known)
    begun = [choice for choice in choices if name and choice.startswith(name)]
    near = begun or difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return Usage(f"unknown {kind} {name!r}", why=f"{hint}known: {', '.join(choices)}", mend=mend)
