"""What a log shows, as it is told: each row filled with the values of the log, the root cause first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from doctor.diagnosis.course import Line
from doctor.diagnosis.rows import Sighting
from doctor.diagnosis.symptoms import PLACEHOLDER, Catalogue, Symptom

_SHELL = re.compile(r"[`$;&|<>()\"'\\!\x00-\x1f]")  # what would mean something else in a command that a person pastes


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A symptom seen in a log. `primary` is true for the one that names the root cause."""

    symptom: Symptom
    line: Line
    confidence: str
    primary: bool

    @property
    def cause(self) -> str:
        """Why it happened, with the values of this log, and those details of which it shows all values."""
        values = self.line.values
        details = (detail for detail in self.symptom.details if values.keys() >= set(PLACEHOLDER.findall(detail)))
        return ". ".join(_filled(text, values).rstrip(".") for text in (self.symptom.cause, *details))

    @property
    def between(self) -> tuple[str, ...]:
        """The two parts that disagree, with their values; empty where it is not a disagreement."""
        return tuple(_filled(part, self.line.values) for part in self.symptom.between)

    @property
    def remedy(self) -> tuple[str, ...]:
        """What mends it, step by step, with the values of this log that a shell takes for nothing but themselves."""
        plain = {name: value for name, value in self.line.values.items() if not _SHELL.search(value)}
        return tuple(_filled(step, plain) for step in self.symptom.remedy)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """`{name}` becomes its value, or `<name>` when this log did not show it."""
    return PLACEHOLDER.sub(lambda name: values.get(name[1], f"<{name[1]}>"), text)


def ranked(known: Catalogue, seen: Mapping[str, Sighting]) -> tuple[Finding, ...]:
    """Root cause first: primaries by line, then umbrellas, then consequences."""
    rows = [row for row in known.symptoms if row.id in seen]
    beaten = {name for row in rows for name in row.replaces}
    rows = [row for row in rows if row.id not in beaten]
    rows = [row for row in rows if not _same_evidence(row, rows, seen)]
    rows.sort(key=lambda row: (_ORDER[row.rank], row.hint, seen[row.id].line.number))
    return tuple(
        Finding(
            symptom=row,
            line=seen[row.id].line,
            confidence="inferred" if seen[row.id].unverified else row.confidence,
            primary=number == 0 and row.rank != "consequence",
        )
        for number, row in enumerate(rows)
    )


_ORDER = {"primary": 0, "secondary": 1, "consequence": 2}


def _same_evidence(row: Symptom, rows: list[Symptom], seen: Mapping[str, Sighting]) -> bool:
    """An umbrella that rests on the very line which a specific symptom explains says nothing of its own."""
    if row.rank == "primary":
        return False
    line = seen[row.id].line.number
    return any(seen[other.id].line.number == line for other in rows if _ORDER[other.rank] < _ORDER[row.rank])
