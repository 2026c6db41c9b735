"""Which lines are shown of a failure that no row knows: those that say what it was, before those that only say that."""

from __future__ import annotations

import re
from collections.abc import Iterable

from doctor.diagnosis.course import Line
from doctor.diagnosis.symptoms import Catalogue

SHOWN = 5
_CHANGING = re.compile(r"0x[0-9a-f]+|\d+")


def first_errors(known: Catalogue, failures: Iterable[Line]) -> tuple[Line, ...]:
    """The first few different lines that say anything, filled up with what else failed; in the order of the log."""
    different = {_CHANGING.sub("", line.text): line for line in reversed([*failures])}.values()
    lines = sorted(different, key=lambda line: (says_nothing(known, line.text), line.number))
    return tuple(sorted(lines[:SHOWN], key=lambda line: line.number))


def says_nothing(known: Catalogue, text: str) -> bool:
    """Whether the line says no more than that something failed."""
    return any(re.search(pattern, text) for pattern in known.marks.empty)
