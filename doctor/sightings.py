"""What was seen in a log: where each known signature first stands, which lines were harmless, what failed at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from doctor.log import Block, bare, blocks
from doctor.signatures import Place, Signatures
from doctor.symptoms import Catalogue, Harmless

FAILURES_SHOWN = 5
TEXT_SHOWN = 400
NEAR = 2000

Kind = Literal["symptom", "harmless", "failure", "success"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the log: its number, its clean text (cut around the match when it is very long), captured values."""

    number: int
    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Where a symptom was first seen, and whether only by a pattern that nobody has shown in a log yet."""

    line: Line
    unverified: bool


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """Everything seen in one log: symptoms by id, harmless lines by id, the first lines that failed."""

    symptoms: dict[str, Sighting]
    harmless: tuple[tuple[Harmless, Line], ...]
    failures: tuple[Line, ...]
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
        self._first: dict[int, Line] = {}
        self._failures: list[Line] = []

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
        places = self._matcher.places(block.text, wanted | harmless)
        excused = _Excused(place for place in places if place.pattern in harmless)
        for place in places:
            counts = place.pattern in harmless or place not in excused
            if counts and place.pattern in wanted and self._open(place.pattern):
                self._keep(place, block)

    def _open(self, pattern: int) -> bool:
        if self._signatures[pattern].kind == "failure":
            return len(self._failures) < FAILURES_SHOWN
        return pattern not in self._first

    def _keep(self, place: Place, block: Block) -> None:
        match = self._matcher.match(block.text, place)
        if match is None:
            return
        line = _line(match, block)
        if self._signatures[place.pattern].kind != "failure":
            self._first[place.pattern] = line
        elif all(line.number != known.number for known in self._failures):
            self._failures.append(line)

    def _result(self) -> Sightings:
        kept = [(self._signatures[pattern], line) for pattern, line in self._first.items()]
        return Sightings(
            symptoms=dict(self._symptoms()),
            harmless=tuple(sorted(self._excused(kept), key=lambda pair: pair[1].number)),
            failures=tuple(sorted(self._failures, key=lambda line: line.number)),
            succeeded=any(signature.kind == "success" for signature, _ in kept),
        )

    def _excused(self, kept: list[tuple[_Signature, Line]]) -> Iterator[tuple[Harmless, Line]]:
        for known in self._known.harmless:
            lines = [line for signature, line in kept if signature.kind == "harmless" and signature.id == known.id]
            if lines:
                yield known, min(lines, key=lambda line: line.number)

    def _symptoms(self) -> Iterator[tuple[str, Sighting]]:
        for row in self._known.symptoms:
            own = [(n, s) for n, s in enumerate(self._signatures) if s.kind == "symptom" and s.id == row.id]
            seen = [(self._first[n], s.unverified) for n, s in own if n in self._first]
            if seen and (row.match == "any" or len(seen) == len(own)):
                first = min((line for line, _ in seen), key=lambda line: line.number)
                values = {name: value for line, _ in seen for name, value in line.values.items()}
                line = Line(number=first.number, text=first.text, values=values | first.values)
                yield row.id, Sighting(line=line, unverified=all(unverified for _, unverified in seen))


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
    """The lines that are known to be harmless; of a very long line only what is near the harmless words."""

    def __init__(self, harmless: Iterable[Place]) -> None:
        self._ends: dict[int, list[int]] = {}
        for place in harmless:
            self._ends.setdefault(place.line, []).append(place.end)

    def __contains__(self, place: object) -> bool:
        return isinstance(place, Place) and any(abs(end - place.end) < NEAR for end in self._ends.get(place.line, ()))


def _line(match: re.Match[bytes], block: Block) -> Line:
    text = block.text
    start = text.rfind(b"\n", 0, match.start()) + 1
    end = text.find(b"\n", match.start())
    end = len(text) if end < 0 else end
    if end - start > TEXT_SHOWN:
        start = max(start, match.start() - TEXT_SHOWN // 4)
        end = min(end, start + TEXT_SHOWN)
    values = {name: value.decode("utf-8", "replace").strip() for name, value in match.groupdict().items() if value}
    return Line(
        number=block.first_line + text.count(b"\n", 0, match.start()),
        text=bare(text[start:end]).decode("utf-8", "replace").strip(),
        values=values,
    )
