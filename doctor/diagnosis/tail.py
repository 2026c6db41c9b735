"""The end of a log, read once more when all of it was read: who was at work there, and on what was no work."""

from __future__ import annotations

import re
from collections.abc import Iterable

from doctor.diagnosis.course import Course
from doctor.diagnosis.going_on import LOOKED_THROUGH, Work, Wrong
from doctor.diagnosis.lines import failed, line_of
from doctor.diagnosis.log import Block
from doctor.diagnosis.reader import Reader

SPEAKS = ("symptom", "complaint", "failure", "closing")


class Tail:
    """The last bytes of what it follows."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._block = Block(text=b"", first_line=1)

    def follow(self, block: Block) -> None:
        """The log goes on with this block."""
        self._block = self._block.then(block, LOOKED_THROUGH)

    def work(self, begun: Iterable[int], course: Course) -> Work:
        """Who was at work; `begun` are the lines of all the log in which a command was given, `course` its course."""
        return Work(self._block, self._wrong(course), begun)

    def _wrong(self, course: Course) -> Wrong:
        """The lines in which something went wrong, and those that only speak of what did or of an end."""
        text, reader = self._block.text, self._reader
        present = reader.matcher.present(text)
        reading = reader.read(text, present, {number for number in present if reader.patterns[number].kind in SPEAKS})
        wrong = Wrong(
            met={self._block.number(place.line) for place in reader.remarks.settling(text)},
            ends={self._block.number(place.line) for place in reader.remarks.ending(text)},
        )
        for place in reading.places:
            match = reader.matcher.match(text, place)
            if match and place.pattern not in reading.harmless and place not in reading.excused:
                fault = self._counts(match, place.pattern, course)
                (wrong.faults if fault else wrong.met).add(self._last_line(match))
        return wrong

    def _counts(self, match: re.Match[bytes], number: int, course: Course) -> bool:
        """Whether something went wrong here: no closing word, and nothing that its own line takes back."""
        closing = self._reader.patterns[number].kind == "closing"
        return not closing and not self._reader.dismissed(match, number, course)

    def _last_line(self, match: re.Match[bytes]) -> int:
        """The number of the last line of what went wrong."""
        line = line_of(match, self._block.number(match.start()))
        return max(failed(match, line).number, self._block.number(match.end() - 1))
