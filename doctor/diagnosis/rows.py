"""What was seen in a log, put together: which rows of the catalogue it shows, and in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from doctor.diagnosis.course import Failure, Line
from doctor.diagnosis.evidence import Evidence
from doctor.diagnosis.patterns import Pattern
from doctor.diagnosis.symptoms import Catalogue, Harmless


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Where a symptom was first seen, and whether only by a pattern that nobody has shown in a log yet."""

    line: Line
    unverified: bool


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """Everything seen in one log that nothing took back: symptoms by id, harmless lines by id, the first failures.

    `lived_with` are the symptoms from which the program went on with its work.
    """

    symptoms: dict[str, Sighting]
    lived_with: dict[str, Sighting]
    harmless: tuple[tuple[Harmless, Line], ...]
    failures: tuple[Failure, ...]


class Rows:
    """The rows of a catalogue, each with the numbers of its patterns.

    The ids of those that name a root cause (`roots`), that count even where a program goes on with its work (`stays`),
    and that a program can live with (`survivable`).
    """

    def __init__(self, known: Catalogue, patterns: Sequence[Pattern]) -> None:
        self._known = known
        self._patterns = patterns
        self._own: dict[tuple[str, str], list[int]] = {}
        for number, pattern in enumerate(patterns):
            self._own.setdefault((pattern.kind, pattern.id), []).append(number)
        self.roots = {row.id for row in known.symptoms if row.rank == "primary"}
        staying = {row.id for row in known.symptoms if row.stays}
        self.stays = {row.id for row in known.symptoms if row.stays or not row.replaces.isdisjoint(staying)}
        self.survivable = {row.id for row in known.symptoms if row.survivable}

    def symptoms(self, evidence: Evidence) -> dict[str, Sighting]:
        """The symptoms that the evidence shows, with all values that their lines show."""
        return dict(self._symptoms(evidence))

    def _symptoms(self, evidence: Evidence) -> Iterator[tuple[str, Sighting]]:
        shown = {self._patterns[number].id for number in evidence}
        for row in (row for row in self._known.symptoms if row.id in shown):
            own = self._own.get(("symptom", row.id), ())
            seen = [(evidence[n].line, self._patterns[n].unverified) for n in own if n in evidence]
            if seen and (row.match == "any" or len(seen) == len(own)):
                first = min((line for line, _ in seen), key=lambda line: line.number)
                values = {name: value for line, _ in seen for name, value in line.values.items()}
                line = Line(number=first.number, text=first.text, values=values | first.values)
                unverified = all(unverified for _, unverified in seen)
                yield row.id, Sighting(line=line, unverified=unverified)

    def harmless(self, evidence: Evidence, symptoms: Mapping[str, Sighting]) -> tuple[tuple[Harmless, Line], ...]:
        """What only looks bad, in the order of the log, where none of the symptoms is told by the same line."""
        told = {seen.line.number for seen in symptoms.values()}
        lines = sorted(self._harmless(evidence), key=lambda pair: pair[1].number)
        return tuple((known, line) for known, line in lines if line.number not in told)

    def _harmless(self, evidence: Evidence) -> Iterator[tuple[Harmless, Line]]:
        for known in self._known.harmless:
            lines = [evidence[n].line for n in self._own.get(("harmless", known.id), ()) if n in evidence]
            if lines:
                yield known, min(lines, key=lambda line: line.number)
