"""What was seen in a log: where each known signature first stands, which lines were harmless, what failed at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from doctor.diagnosis.course import Course, Failure, Line
from doctor.diagnosis.evidence import Evidence, Seen
from doctor.diagnosis.going_on import LOOKED_THROUGH, Work, Wrong
from doctor.diagnosis.lines import failed, line_of, lines_above
from doctor.diagnosis.log import Block, blocks, writer
from doctor.diagnosis.patterns import Pattern, compiled, patterns
from doctor.diagnosis.remarks import Messages, Remarks, ends, quoted
from doctor.diagnosis.repetition import read_once
from doctor.diagnosis.rows import Rows, Sightings
from doctor.diagnosis.session import Session
from doctor.diagnosis.signatures import Place
from doctor.diagnosis.symptoms import Catalogue
from doctor.diagnosis.things import Things
from doctor.diagnosis.wrapping import Reflowed, Unwrapped

TAKES_BACK = ("success", "closing", "passes", "command", "recovers")
SPEAKS = ("harmless", "symptom", "complaint", "failure", "closing")
STATES = ("reports", "well", "ill", "ails", "recovers")
MANY = 50  # places in a block; with more it is faster to look for settling words in all of it than in line after line


class Spotter:
    """Reads a log once and keeps, for each pattern, the first line that is not harmless."""

    def __init__(self, known: Catalogue) -> None:
        self._patterns = patterns(known)
        self._rows = Rows(known, self._patterns)
        self._matcher = compiled(self._patterns)
        self._remarks = Remarks(known)
        self._roots = {row.id for row in known.symptoms if row.rank == "primary"}
        self._stays = {row.id for row in known.symptoms if row.stays}
        self._survivable = {row.id for row in known.symptoms if row.survivable}
        self._evidence = Evidence()
        self._course = Course()
        self._session = Session()
        self._things = Things()
        self._tail = Block(text=b"", first_line=1)

    def read(self, stream: BinaryIO) -> Sightings:
        """Everything seen in the stream."""
        read_once(blocks(stream), self._spot, self._state)
        lived_with = self._pass_over()
        symptoms = self._rows.symptoms(self._evidence)
        return Sightings(
            symptoms=symptoms,
            lived_with=self._rows.symptoms(lived_with),
            harmless=self._rows.harmless(self._evidence, symptoms),
            failures=self._course.failures,
        )

    def _pass_over(self) -> Evidence:
        """What a program went on from with its work is no fault, unless a verdict stands: those that are none."""
        if self._course.condemned or not (self._course.failures or self._evidence.faults):
            return Evidence()
        work = Work(self._tail, self._wrong(self._tail), self._session.begun)
        self._course.pass_over(work)
        return self._evidence.pass_over(work)

    def _wrong(self, tail: Block) -> Wrong:
        """The lines in which something went wrong, and those that only speak of what did or of an end."""
        kinds = {number: self._patterns[number].kind for number in self._matcher.present(tail.text)}
        harmless = {number for number, kind in kinds.items() if kind == "harmless"}
        places = self._matcher.places(tail.text, {number for number, kind in kinds.items() if kind in SPEAKS})
        excused = Messages(tail.text, dict(self._confirmed(tail, places, harmless)))
        wrong = Wrong(
            met={tail.number(place.line) for place in self._remarks.settling(tail.text)},
            ends={tail.number(place.line) for place in self._remarks.ending(tail.text)},
        )
        for place in places:
            match = self._matcher.match(tail.text, place)
            if match and place.pattern not in harmless and place not in excused:
                (wrong.faults if self._counts(match, place) else wrong.met).add(_last_line(match, tail))
        return wrong

    def _counts(self, match: re.Match[bytes], place: Place) -> bool:
        """Whether something went wrong here: no closing word, and nothing that its own line takes back."""
        pattern = self._patterns[place.pattern]
        lost = self._complaint(place.pattern) and self._dismissed(match, pattern)
        return pattern.kind != "closing" and not lost

    def _state(self) -> object:
        """All that the next block is read with."""
        return self._evidence.state, self._course.state, self._session.state, self._things.state

    def _spot(self, block: Block) -> None:
        self._tail = self._tail.then(block, LOOKED_THROUGH)
        present = self._matcher.present(block.text)
        self._spot_lines(block, present)
        failed = self._complains(present) and self._course.failures and not self._course.full
        if failed and not any(self._patterns[pattern].id in self._roots for pattern in self._evidence):
            self._spot_wrapped(block, present)

    def _spot_wrapped(self, block: Block, present: set[int]) -> None:
        """Looks again with the lines joined, for what a terminal has cut in two or a page has broken.

        Where an umbrella stands on one line, only a root says more.
        """
        umbrella = any(self._patterns[pattern].kind == "symptom" for pattern in self._evidence)
        for view in (Unwrapped(block.text), Reflowed(block.text)):
            new = (number for number in self._matcher.present(view.text) - present if self._open(number))
            rows = {number for number in new if self._patterns[number].kind == "symptom"}
            wanted = {number for number in rows if not umbrella or self._patterns[number].id in self._roots}
            for place in self._matcher.places(view.text, wanted):
                match = self._matcher.match(view.text, place)
                if match and view.was_cut(match.start(), match.end()):
                    line = line_of(match, block.first_line + view.line(match.start()))
                    self._evidence.add(place.pattern, Seen(line=line))

    def _spot_lines(self, block: Block, present: set[int]) -> None:
        wanted = self._wanted(present)
        if not wanted:
            return
        harmless = {pattern for pattern in present if self._patterns[pattern].kind == "harmless"}
        places = self._matcher.places(block.text, wanted | harmless)
        excused = Messages(block.text, dict(self._confirmed(block, places, harmless)))
        met = Messages(block.text, ends(self._remarks.settling(block.text)) if len(places) > MANY else {})
        last = {place.pattern: place for place in places}
        outlived = self._outlived(block, places, excused)
        for place in places:
            lost = place in excused or (self._complaint(place.pattern) and place in met)
            counts = place.pattern in harmless or not lost or self._patterns[place.pattern].kind in STATES
            if counts and place not in outlived and place.pattern in wanted and self._tells(place, last):
                self._keep(place, block)

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
        seen = place.pattern in self._evidence
        return self._open(place.pattern) and (not seen or place is last[place.pattern])

    def _wanted(self, present: set[int]) -> set[int]:
        """What may tell something new; all of it where something may be taken back, for what follows that is new."""
        new = {pattern for pattern in present if self._open(pattern)}
        ends = {pattern for pattern in present if self._patterns[pattern].kind in TAKES_BACK}
        faulty = self._complains(present) or any(self._patterns[pattern].kind == "symptom" for pattern in new)
        return present if ends and (faulty or ends & new) else new

    def _complains(self, present: set[int]) -> bool:
        return any(self._patterns[pattern].kind in ("failure", "complaint") for pattern in present)

    def _confirmed(self, block: Block, places: list[Place], harmless: set[int]) -> Iterator[tuple[Place, int]]:
        """The harmless places in lines that another pattern speaks of, too, each with where it begins."""
        lines = {place.line for place in places if place.pattern not in harmless}
        for place in places:
            if place.pattern in harmless and place.line in lines:
                match = self._matcher.match(block.text, place)
                if match:
                    yield place, match.start()

    def _open(self, number: int) -> bool:
        pattern, course = self._patterns[number], self._course
        match pattern.kind:
            case "symptom" | "harmless":
                return number not in self._evidence or self._evidence[number].may_change
            case "failure" | "complaint":
                return not course.full
            case "success" | "passes":
                lived = course.complains or self._evidence.yields or course.running(pattern.id)
                return lived or self._session.replaces
            case "closing":
                return course.met or self._evidence.met
            case "begins":
                return not course.running(pattern.id)
            case kind:
                return kind == "command" or kind in STATES

    def _keep(self, place: Place, block: Block) -> None:
        match = self._matcher.match(block.text, place)
        if match is None:
            return
        pattern = self._patterns[place.pattern]
        if self._complaint(place.pattern) and self._dismissed(match, pattern):
            return
        line = line_of(match, block.number(match.start()))
        by = writer(block.text, match.start())
        if pattern.kind in ("symptom", "harmless"):
            self._evidence.add(place.pattern, self._seen(match, pattern, line, by))
        else:
            self._follow(pattern, match, line, by)

    def _complaint(self, number: int) -> bool:
        """Whether the words of its line may take it back; a runner's own verdict nothing does."""
        pattern = self._patterns[number]
        return pattern.kind in ("symptom", "complaint") or (pattern.kind == "failure" and not pattern.id)

    def _dismissed(self, match: re.Match[bytes], pattern: Pattern) -> bool:
        """Whether the line is no complaint: it says that it was met, is past, or only quotes what might be one."""
        said = self._remarks.said(match)
        if said.settled or quoted(match) or self._course.over(said.past) or self._remarks.unheeded(match, said):
            return True
        if pattern.kind == "complaint":
            return said.played_down or said.speech
        return said.speech and self._remarks.spoken(match)

    def _seen(self, match: re.Match[bytes], pattern: Pattern, line: Line, by: bytes) -> Seen:
        """A program may live with what the row knows to be survivable, and with what the log itself says was met."""
        if pattern.kind == "harmless":
            return Seen(line=line, lasts=True, stays=True)
        met = self._remarks.go_on(match)
        mild = self._remarks.said(match).played_down
        survivable = met or mild or pattern.id in self._survivable
        return Seen(line=line, by=by, survivable=survivable, met=met, mild=mild, stays=pattern.id in self._stays)

    def _follow(self, pattern: Pattern, match: re.Match[bytes], line: Line, by: bytes) -> None:
        """What the mark in this line says of the course of the run."""
        match pattern.kind:
            case "failure" | "complaint":
                final = pattern.kind == "failure"
                met = not final and self._remarks.go_on(match)
                line = failed(match, line)
                self._course.fail(
                    Failure(line=line, writer=by, final=final, met=met, above=lines_above(match)), pattern.id
                )
            case "success" | "closing":
                met = pattern.kind == "closing"
                self._course.succeed(by, met=met)
                self._survive(by, met=met)
                self._forget([] if met else self._session.succeed())
            case "begins":
                self._course.begin(pattern.id, line.number)
            case "command":
                self._forget(self._session.give(match["command"], line.number))
            case "reports":
                self._course.report(pattern.id)
            case "well" | "ill":
                self._course.stand(pattern.id, well=pattern.kind == "well")
            case "passes":
                since = self._course.passed(pattern.id, line.number, by)
                self._evidence.forget([range(since, line.number + 1)])
                self._survive(by)
            case _:
                self._follow_thing(pattern, match["thing"], line.number)

    def _follow_thing(self, pattern: Pattern, name: bytes, number: int) -> None:
        """What the mark in this line says of how a named thing stands."""
        if pattern.kind == "ails":
            self._things.ail((pattern.id, name), number)
        else:
            self._forget(self._things.recover((pattern.id, name)))

    def _forget(self, lines: list[range]) -> None:
        """What these lines showed does not count: the command was given again, the thing is well now."""
        if lines:
            self._course.forget(lines)
            self._evidence.forget(lines)

    def _survive(self, writer: bytes, *, met: bool = False) -> None:
        """What a program can live with was lived with until this good end, unless a verdict stands."""
        if not self._course.condemned:
            self._evidence.survive(writer, met=met)


def _last_line(match: re.Match[bytes], block: Block) -> int:
    """The number of the last line of what went wrong."""
    line = line_of(match, block.number(match.start()))
    return max(failed(match, line).number, block.number(match.end() - 1))
