"""What can go wrong in a way a person can mend, and the exit code it ends with."""

from __future__ import annotations

import difflib
import errno
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


SPACES = "\n\t\u00a0\u3000"  # which str.isprintable leaves out: Chinese texts are set with the last one
STYLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # ECMA-48, 5.4: colours, and moves of the cursor


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


_WORDS: ContextVar[Callable[[Trouble], str]] = ContextVar("words", default=str)


def in_words(trouble: Trouble) -> str:
    """A trouble that does not end the task, as a person reads it: in a task with the cause that its log names."""
    return _WORDS.get()(trouble)


@contextmanager
def worded(words: Callable[[Trouble], str]) -> Iterator[None]:
    """While inside, this puts troubles into words."""
    before = _WORDS.set(words)
    try:
        yield
    finally:
        _WORDS.reset(before)


def printable(text: str) -> str:
    """Text of a registry, an image or a compiler without colours, and with what else a terminal would obey visible."""
    return "".join(letter if letter.isprintable() or letter in SPACES else "\ufffd" for letter in STYLE.sub("", text))


class Usage(Trouble):
    """The words of the command are off: an unknown name, a value out of range."""

    code = ExitCode.USAGE


class Undetermined(Trouble):
    """What was asked could not be found out, which is neither a pass nor a failure."""

    code = ExitCode.UNKNOWN


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def no_space(error: Exception, where: str) -> Trouble | None:
    """The trouble of a write to a full disk or quota, `where` no file is named; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in FULL:
        return None
    return Trouble(
        f"there is no room to write: {error.strerror}",
        where=str(error.filename or where),
        why="records, logs and what is built lie there",
        mend="df -h shows what is full; ./inv engines --prune what could go",
    )


FILE_ERRORS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
)  # what is a matter of the path or of who asks, and not of this toolkit


def unusable(error: OSError, file: Path | str, doing: str = "read", kind: type[Trouble] = Trouble) -> Trouble:
    """The trouble of a file or folder that cannot be read or written; `kind`: the option's word is off, say."""
    above = shlex.quote(str(_above(Path(file))))
    shows = f"ls -ld {above}   shows what is there, and who may {doing} it"
    return kind(
        f"cannot {doing} {file}: {error.strerror}",
        where=str(Path.cwd()) if not Path(file).is_absolute() else "",
        mend=f"df -h {above}   shows how full it is" if error.errno in FULL else shows,
    )


def _above(file: Path) -> Path:
    """The nearest that is there: the file itself, or one of the folders above it."""
    return next((path for path in (file, *file.parents) if os.path.lexists(path)), Path())


def of_a_file(error: Exception) -> Trouble | None:
    """The trouble of an error that names a file which this person may not use, or cannot; None for any other."""
    if not isinstance(error, OSError) or error.errno not in FILE_ERRORS or error.filename is None:
        return None
    return unusable(error, str(error.filename), "use")


def unknown_name(kind: str, name: str, known: Iterable[str], *, mend: str = "") -> Usage:
    """The error for a name that is not among the known ones: the nearest, and all unless `mend` lists them."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=max(len(choices), 1), cutoff=0.5)
    nearest = max(near, key=lambda choice: _likeness(name, choice), default="")
    meant = [f"did you mean {nearest!r}?"] if nearest else []
    listed = [] if nearest and mend else [f"known: {', '.join(choices)}"]
    return Usage(f"unknown {kind} {name!r}", why="   ".join(meant + listed), mend=mend)


def _likeness(one: str, other: str) -> tuple[float, int]:
    """How alike, and of equals how long the common start: v0.10 means v0.10.0 rather than v0.11.0."""
    start = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return difflib.SequenceMatcher(None, one, other).ratio(), len(list(start))
