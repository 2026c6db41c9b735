"""Every pattern of the catalogue, numbered, and whom it speaks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from doctor.diagnosis.signatures import Signatures
from doctor.diagnosis.symptoms import Catalogue, Marks, catalogue

Kind = Literal[
    "symptom",
    "harmless",
    "failure",
    "complaint",
    "settled",
    "aside",
    "unsettled",
    "stopped",
    "ending",
    "spent",
    "speech",
    "level",
    "success",
    "closing",
    "command",
    "begins",
    "passes",
    "reports",
    "well",
    "ill",
    "past",
    "ails",
    "recovers",
]
# looked for only in a line which complains
LATER: tuple[Kind, ...] = ("settled", "aside", "unsettled", "stopped", "ending", "spent", "speech", "level", "past")


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One regular expression of a row: a literal became one too. `unverified`: nobody has shown it in a log yet."""

    regex: str
    kind: Kind
    id: str = ""
    unverified: bool = False


@cache
def patterns(known: Catalogue) -> tuple[Pattern, ...]:
    """All that are looked for in every line, in the order of the catalogue."""
    return (*_rows(known), *(pattern for pattern in _marks(known.marks) if pattern.kind not in LATER))


_QUOTE = re.compile(r"""(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<other>\\[^'"`])|\\?['"`]""")
_QUOTES = r"""(?:\\{0,3}['"`]|‘|’|“|”)"""


def quoting(regex: str) -> str:
    """The regex with each quotation mark standing for any: releases, JSON, shells and web pages change them.

    What may be anything but a mark ends at any of them, too.
    """
    return _QUOTE.sub(lambda found: found["other"] or _unquoted(found["set"]) if found.lastgroup else _QUOTES, regex)


def _unquoted(characters: str) -> str:
    return re.sub(r"""^\[\^(?=.*['"`])""", """[^'"`""", characters)


def _rows(known: Catalogue) -> Iterator[Pattern]:
    for row in (row for row in known.symptoms if row.rank != "general"):
        for regex in (*map(re.escape, row.literals), *row.patterns):
            yield Pattern(regex=quoting(regex), kind="symptom", id=row.id)
        for regex in row.unverified:
            yield Pattern(regex=quoting(regex), kind="symptom", id=row.id, unverified=True)
    for line in known.harmless:
        for regex in (*map(re.escape, line.literals), *line.patterns):
            yield Pattern(regex=regex, kind="harmless", id=line.id)


def _marks(marks: Marks) -> Iterator[Pattern]:
    """The id of what belongs to a runner of tests, to a status or to a thing is its name.

    A runner's verdict comes before any other word on its line.
    """
    for runner in marks.runner:
        ways: dict[Kind, tuple[str, ...]] = {"begins": runner.begins, "passes": runner.passes, "failure": runner.fails}
        for kind, regexes in ways.items():
            yield from (Pattern(regex=regex, kind=kind, id=runner.name) for regex in regexes)
    for status in marks.status:
        stands: dict[Kind, tuple[str, ...]] = {
            "reports": status.begins,
            "well": status.well,
            "ill": status.ill,
            "past": status.past,
        }
        for kind, regexes in stands.items():
            yield from (Pattern(regex=regex, kind=kind, id=status.name) for regex in regexes)
    for thing in marks.thing:
        yield from (Pattern(regex=regex, kind="ails", id=thing.name) for regex in thing.ails)
        yield from (Pattern(regex=regex, kind="recovers", id=thing.name) for regex in thing.recovers)
    plain: dict[Kind, tuple[str, ...]] = {
        "failure": marks.failure,
        "complaint": marks.complaint,
        "settled": marks.settled,
        "aside": marks.aside,
        "unsettled": marks.unsettled,
        "stopped": marks.stopped,
        "ending": marks.ending,
        "spent": marks.spent,
        "speech": marks.speech,
        "level": marks.level,
        "success": marks.success,
        "closing": marks.closing,
        "command": marks.command,
    }
    for kind, regexes in plain.items():
        yield from (Pattern(regex=regex, kind=kind) for regex in regexes)


@cache
def words(known: Catalogue) -> tuple[Pattern, ...]:
    """The patterns that are looked for only in a line which complains: ordinary lines are full of them."""
    return tuple(pattern for pattern in _marks(known.marks) if pattern.kind in LATER)


def compiled(those: Iterable[Pattern], kind: str = "patterns") -> Signatures:
    """The patterns ready to be looked for; made once, for it takes seconds, and kept (`compiled.py`)."""
    return _compiled(tuple(pattern.regex for pattern in those), kind)


@cache
def _compiled(regexes: tuple[str, ...], kind: str) -> Signatures:
    return Signatures(regexes, kind, exact=kind == "words")


if __name__ == "__main__":
    compiled(patterns(catalogue()))
    compiled(words(catalogue()), "words")
