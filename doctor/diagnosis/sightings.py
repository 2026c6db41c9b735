"""What was seen in a log: where each known signature first stands, which lines were harmless, what failed at all."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from doctor.diagnosis.account import STATES, Account
from doctor.diagnosis.evidence import Seen
from doctor.diagnosis.lines import line_of
from doctor.diagnosis.log import Block, blocks, writer
from doctor.diagnosis.reader import Reader
from doctor.diagnosis.remarks import Messages, ends
from doctor.diagnosis.repetition import read_once
from doctor.diagnosis.rows import Rows, Sightings
from doctor.diagnosis.signatures import Place
from doctor.diagnosis.symptoms import Catalogue
from doctor.diagnosis.tail import Tail
from doctor.diagnosis.wrapping import Reflowed, Unwrapped

TAKES_BACK = ("success", "closing", "passes", "command", "recovers")
MANY = 50  # places in a block; with more it is faster to look for settling words in all of it than in line after line


@cache
def _prepared(known: Catalogue) -> tuple[Reader, Rows]:
    """What every log is read with; to make it takes longer than to read a small one."""
    reader = Reader(known)
    return reader, Rows(known, reader.patterns)


class Spotter:
    """Reads a log once and keeps, for each pattern, the first line that is not harmless."""

    def __init__(self, known: Catalogue) -> None:
        self._reader, self._rows = _prepared(known)
        self._patterns, self._matcher, self._remarks = self._reader.patterns, self._reader.matcher, self._reader.remarks
        self._account = Account(self._reader, self._rows)
        self._tail = Tail(self._reader)

    def read(self, stream: BinaryIO) -> Sightings:
        """Everything seen in the stream."""
        account = self._account
        read_once(blocks(stream), self._spot, lambda: account.state)
        lived_with = account.pass_over(self._tail)
        symptoms = self._rows.symptoms(account.evidence)
        return Sightings(
            symptoms=symptoms,
            lived_with=self._rows.symptoms(lived_with),
            harmless=self._rows.harmless(account.evidence, symptoms),
            failures=account.course.failures,
        )

    def _spot(self, block: Block) -> None:
        self._tail.follow(block)
        present = self._matcher.present(block.text)
        self._spot_lines(block, present)
        course = self._account.course
        failed = self._complains(present) and course.failures and not course.full
        if failed and not any(self._patterns[pattern].id in self._rows.roots for pattern in self._account.evidence):
            self._spot_wrapped(block, present)

    def _spot_wrapped(self, block: Block, present: set[int]) -> None:
        """Looks again with the lines joined, for what a terminal has cut in two or a page has broken.

        Where an umbrella stands on one line, only a root says more.
        """
        umbrella = any(self._patterns[pattern].kind == "symptom" for pattern in self._account.evidence)
        for view in (Unwrapped(block.text), Reflowed(block.text)):
            new = (number for number in self._matcher.present(view.text) - present if self._account.open(number))
            rows = {number for number in new if self._patterns[number].kind == "symptom"}
            wanted = {number for number in rows if not umbrella or self._patterns[number].id in self._rows.roots}
            for place in self._matcher.places(view.text, wanted):
                match = self._matcher.match(view.text, place)
                if match and view.was_cut(match.start(), match.end()):
                    line = line_of(match, block.first_line + view.line(match.start()))
                    self._account.evidence.add(place.pattern, Seen(line=line))

    def _spot_lines(self, block: Block, present: set[int]) -> None:
        wanted = self._wanted(present)
        if not wanted:
            return
        reading = self._reader.read(block.text, present, wanted)
        places, excused = reading.places, reading.excused
        met = Messages(block.text, ends(self._remarks.settling(block.text)) if len(places) > MANY else {})
        last = {place.pattern: place for place in places}
        outlived = self._outlived(block, places, excused)
        for place in places:
            lost = place in excused or (self._reader.complaint(place.pattern) and place in met)
            counts = place.pattern in reading.harmless or not lost or self._patterns[place.pattern].kind in STATES
            if counts and place not in outlived and place.pattern in wanted and self._tells(place, last):
                self._account.take(place, block)

    def _outlived(self, block: Block, places: list[Place], excused: Messages) -> set[Place]:
        """The complaints that a good end further down in the block takes back, so that nobody will hear of them."""
        ended, outlived = set[bytes](), set[Place]()
        for place in reversed(places):
            kind = self._patterns[place.pattern].kind
            if (
                kind == "success"
                and b"" not in ended
                and place not in excused
                and self._matcher.match(block.text, place)
            ):
                ended.add(writer(block.text, place.line))
            elif kind == "complaint" and not ended.isdisjoint((b"", writer(block.text, place.line))):
                outlived.add(place)
        return outlived

    def _tells(self, place: Place, last: dict[int, Place]) -> bool:
        """Whether it may tell something new; of what is met over and over, the last time says how it ended."""
        seen = place.pattern in self._account.evidence
        return self._account.open(place.pattern) and (not seen or place is last[place.pattern])

    def _wanted(self, present: set[int]) -> set[int]:
        """What may tell something new; all of it where something may be taken back, for what follows that is new."""
        new = {pattern for pattern in present if self._account.open(pattern)}
        ends = {pattern for pattern in present if self._patterns[pattern].kind in TAKES_BACK}
        faulty = self._complains(present) or any(self._patterns[pattern].kind == "symptom" for pattern in new)
        return present if ends and (faulty or ends & new) else new

    def _complains(self, present: set[int]) -> bool:
        return any(self._patterns[pattern].kind in ("failure", "complaint") for pattern in present)
