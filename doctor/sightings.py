"""What was seen in a log: where each known signature first stands, which lines were harmless, what failed at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from doctor.log import Block, blocks
from doctor.signatures import Match, Signatures
from doctor.symptoms import Catalogue, Harmless

FAILURES_SHOWN = 5
TEXT_SHOWN = 400
NEAR = 2000

Kind = Literal["symptom", "harmless", "failure", "success"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of the log: its number, its clean text (cut around the match when it is very long), captured values."""

    line: int
    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Where a symptom was first seen, and whether only by a pattern that nobody has shown in a log yet."""

    place: Place
    unverified: bool


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """Everything seen in one log: symptoms by id, harmless lines by id, the first lines that failed."""

    symptoms: dict[str, Sighting]
    harmless: tuple[tuple[Harmless, Place], ...]
    failures: tuple[Place, ...]
    succeeded: bool


@dataclass(frozen=True, kw_only=True)
class _Signature:
    """One pattern and whom it speaks for."""

    regex: str
    kind: Kind
    id: str = ""
    number: int = 0
    unverified: bool = False


class Spotter:
    """Reads a log once and keeps, for each pattern, the first line that is not harmless."""

    def __init__(self, known: Catalogue) -> None:
        self._known = known
        self._signatures = list(signatures(known))
        self._matcher = _matcher(tuple(signature.regex for signature in self._signatures))
        self._first: dict[int, Place] = {}
        self._failures: list[Place] = []

    def read(self, stream: BinaryIO) -> Sightings:
        """Everything seen in the stream."""
        for block in blocks(stream):
            self._spot(block)
        return self._result()

    def _spot(self, block: Block) -> None:
        present = self._matcher.present(block.text)
        wanted = {pattern for pattern in present if self._open(pattern)}
        if not wanted:
            return
        harmless = {pattern for pattern in present if self._signatures[pattern].kind == "harmless"}
        matches = list(self._matcher.matches(block.text, wanted | harmless))
        excused = _Excused(block.text, [match for match in matches if match.pattern in harmless])
        for match in matches:
            counts = match.pattern in harmless or match not in excused
            if counts and match.pattern in wanted and self._open(match.pattern):
                self._keep(match, block)

    def _open(self, pattern: int) -> bool:
        if self._signatures[pattern].kind == "failure":
            return len(self._failures) < FAILURES_SHOWN
        return pattern not in self._first

    def _keep(self, match: Match, block: Block) -> None:
        place = _place(match, block)
        if self._signatures[match.pattern].kind != "failure":
            self._first[match.pattern] = place
        elif all(place.line != known.line for known in self._failures):
            self._failures.append(place)

    def _result(self) -> Sightings:
        kept = [(self._signatures[pattern], place) for pattern, place in self._first.items()]
        last_to_first = sorted(kept, key=lambda pair: -pair[1].line)
        excused = {signature.id: place for signature, place in last_to_first if signature.kind == "harmless"}
        return Sightings(
            symptoms=dict(self._symptoms()),
            harmless=tuple((line, excused[line.id]) for line in self._known.harmless if line.id in excused),
            failures=tuple(sorted(self._failures, key=lambda place: place.line)),
            succeeded=any(signature.kind == "success" for signature, _ in kept),
        )

    def _symptoms(self) -> Iterator[tuple[str, Sighting]]:
        for row in self._known.symptoms:
            own = [(n, s) for n, s in enumerate(self._signatures) if s.kind == "symptom" and s.id == row.id]
            seen = [(self._first[n], s.unverified) for n, s in own if n in self._first]
            if seen and (row.match == "any" or len(seen) == len(own)):
                first = min((place for place, _ in seen), key=lambda place: place.line)
                values = {name: value for place, _ in reversed(seen) for name, value in place.values.items()}
                place = Place(line=first.line, text=first.text, values=values | first.values)
                yield row.id, Sighting(place=place, unverified=all(unverified for _, unverified in seen))


def signatures(known: Catalogue) -> Iterator[_Signature]:
    """Every pattern of the catalogue; literals become patterns."""
    for row in known.symptoms:
        for regex in (*map(re.escape, row.literals), *row.patterns):
            yield _Signature(regex=regex, kind="symptom", id=row.id)
        for regex in row.unverified:
            yield _Signature(regex=regex, kind="symptom", id=row.id, unverified=True)
    for line in known.harmless:
        for regex in (*map(re.escape, line.literals), *line.patterns):
            yield _Signature(regex=regex, kind="harmless", id=line.id)
    for regex in known.marks.failure:
        yield _Signature(regex=regex, kind="failure")
    for regex in known.marks.success:
        yield _Signature(regex=regex, kind="success")


_MATCHERS: dict[tuple[str, ...], Signatures] = {}


def _matcher(regexes: tuple[str, ...]) -> Signatures:
    return _MATCHERS.setdefault(regexes, Signatures(regexes)) if regexes not in _MATCHERS else _MATCHERS[regexes]


class _Excused:
    """The matches that stand on a line which is known to be harmless."""

    def __init__(self, text: bytes, harmless: list[Match]) -> None:
        self._text = text
        self._ends: dict[int, list[int]] = {}
        for match in harmless:
            self._ends.setdefault(_line_start(text, match.start), []).append(match.end)

    def __contains__(self, match: object) -> bool:
        if not isinstance(match, Match):
            return False
        ends = self._ends.get(_line_start(self._text, match.start), ())
        return any(abs(end - match.end) < NEAR for end in ends)


def _line_start(text: bytes, at: int) -> int:
    return text.rfind(b"\n", 0, at) + 1


def _place(match: Match, block: Block) -> Place:
    start = _line_start(block.text, match.start)
    end = block.text.find(b"\n", match.start)
    end = len(block.text) if end < 0 else end
    if end - start > TEXT_SHOWN:
        start = max(start, match.start - TEXT_SHOWN // 4)
        end = min(end, start + TEXT_SHOWN)
    line = block.first_line + block.text.count(b"\n", 0, match.start)
    return Place(line=line, text=block.text[start:end].decode("utf-8", "replace").strip(), values=match.values)
