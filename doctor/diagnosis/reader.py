"""Reads a block of a log: where which pattern stands, and whether the words around it take it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from doctor.diagnosis.course import Course
from doctor.diagnosis.patterns import Pattern, compiled, patterns
from doctor.diagnosis.remarks import Messages, Remarks, quoted
from doctor.diagnosis.signatures import Place
from doctor.diagnosis.symptoms import Catalogue


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Where the wanted patterns and the `harmless` ones stand, and the messages that a harmless one excuses."""

    places: list[Place]
    harmless: set[int]
    excused: Messages


class Reader:
    """Looks for the patterns of a catalogue, which are numbered as in `patterns`."""

    def __init__(self, known: Catalogue) -> None:
        self.patterns = patterns(known)
        self.matcher = compiled(self.patterns)
        self.remarks = Remarks(known)

    def read(self, text: bytes, present: set[int], wanted: set[int]) -> Reading:
        """Where the wanted ones of the present patterns stand."""
        harmless = {number for number in present if self.patterns[number].kind == "harmless"}
        places = self.matcher.places(text, wanted | harmless)
        excused = Messages(text, dict(self._confirmed(text, places, harmless)))
        return Reading(places=places, harmless=harmless, excused=excused)

    def _confirmed(self, text: bytes, places: list[Place], harmless: set[int]) -> Iterator[tuple[Place, int]]:
        """The harmless places in lines that another pattern speaks of, too, each with where it begins."""
        lines = {place.line for place in places if place.pattern not in harmless}
        for place in places:
            if place.pattern in harmless and place.line in lines:
                match = self.matcher.match(text, place)
                if match:
                    yield place, match.start()

    def complaint(self, number: int) -> bool:
        """Whether the words of its line may take it back; a runner's own verdict nothing does."""
        pattern = self.patterns[number]
        return pattern.kind in ("symptom", "complaint") or (pattern.kind == "failure" and not pattern.id)

    def dismissed(self, match: re.Match[bytes], number: int, course: Course) -> bool:
        """Whether what may be a complaint is none: its line says that it was met or is past, or only quotes it."""
        return self.complaint(number) and self._dismissed(match, self.patterns[number], course)

    def _dismissed(self, match: re.Match[bytes], pattern: Pattern, course: Course) -> bool:
        said = self.remarks.said(match)
        if said.settled or quoted(match) or course.over(said.past) or self.remarks.unheeded(match, said):
            return True
        if pattern.kind == "complaint":
            return said.played_down or said.speech
        return said.speech and self.remarks.spoken(match)
