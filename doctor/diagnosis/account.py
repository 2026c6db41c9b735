"""What a log has shown so far: the faults that nothing has taken back yet, and how all that it speaks of stands."""

from __future__ import annotations

import re

from doctor.diagnosis.course import Course, Failure, Line
from doctor.diagnosis.evidence import Evidence, Seen
from doctor.diagnosis.lines import failed, line_of, lines_above
from doctor.diagnosis.log import Block, writer
from doctor.diagnosis.patterns import Pattern
from doctor.diagnosis.reader import Reader
from doctor.diagnosis.rows import Rows
from doctor.diagnosis.session import Session
from doctor.diagnosis.signatures import Place
from doctor.diagnosis.tail import Tail
from doctor.diagnosis.things import Things

STATES = ("reports", "well", "ill", "ails", "recovers")


class Account:
    """Takes what stands in a log, place by place, in the order of its lines."""

    def __init__(self, reader: Reader, rows: Rows) -> None:
        self._reader = reader
        self._rows = rows
        self._session = Session()
        self._things = Things()
        self.evidence = Evidence()
        self.course = Course()

    @property
    def state(self) -> object:
        """All that the next block is read with."""
        return self.evidence.state, self.course.state, self._session.state, self._things.state

    def pass_over(self, tail: Tail) -> Evidence:
        """What a program went on from with its work, and so is no fault; nothing where a verdict stands."""
        if self.course.condemned or not (self.course.failures or self.evidence.faults):
            return Evidence()
        work = tail.work(self._session.begun, self.course)
        self.course.pass_over(work)
        return self.evidence.pass_over(work)

    def open(self, number: int) -> bool:
        """Whether this pattern may tell something new."""
        pattern, course = self._reader.patterns[number], self.course
        match pattern.kind:
            case "symptom" | "harmless":
                return number not in self.evidence or self.evidence[number].may_change
            case "failure" | "complaint":
                return not course.full
            case "success" | "passes":
                lived = course.complains or self.evidence.yields or course.running(pattern.id)
                return lived or self._session.replaces
            case "closing":
                return course.met or self.evidence.met
            case "begins":
                return not course.running(pattern.id)
            case kind:
                return kind == "command" or kind in STATES

    def take(self, place: Place, block: Block) -> None:
        """What stands at this place of the block counts, unless its own line takes it back."""
        match = self._reader.matcher.match(block.text, place)
        if match is None or self._reader.dismissed(match, place.pattern, self.course):
            return
        pattern = self._reader.patterns[place.pattern]
        line = line_of(match, block.number(match.start()))
        by = writer(block.text, match.start())
        if pattern.kind in ("symptom", "harmless"):
            self.evidence.add(place.pattern, self._seen(match, pattern, line, by))
        else:
            self._follow(pattern, match, line, by)

    def _seen(self, match: re.Match[bytes], pattern: Pattern, line: Line, by: bytes) -> Seen:
        """A program may live with what the row knows to be survivable, and with what the log itself says was met."""
        if pattern.kind == "harmless":
            return Seen(line=line, lasts=True, stays=True)
        met = self._reader.remarks.go_on(match)
        mild = self._reader.remarks.said(match).played_down
        survivable = met or mild or pattern.id in self._rows.survivable
        return Seen(line=line, by=by, survivable=survivable, met=met, mild=mild, stays=pattern.id in self._rows.stays)

    def _follow(self, pattern: Pattern, match: re.Match[bytes], line: Line, by: bytes) -> None:
        """What the mark in this line says of the course of the run."""
        match pattern.kind:
            case "failure" | "complaint":
                final = pattern.kind == "failure"
                met = not final and self._reader.remarks.go_on(match)
                line = failed(match, line)
                self.course.fail(
                    Failure(line=line, writer=by, final=final, met=met, above=lines_above(match)), pattern.id
                )
            case "success" | "closing":
                met = pattern.kind == "closing"
                self.course.succeed(by, met=met)
                self._survive(by, met=met)
                self._forget([] if met else self._session.succeed())
            case "begins":
                self.course.begin(pattern.id, line.number)
            case "command":
                self._forget(self._session.give(match["command"], line.number))
            case "reports":
                self.course.report(pattern.id)
            case "well" | "ill":
                self.course.stand(pattern.id, well=pattern.kind == "well")
            case "passes":
                since = self.course.passed(pattern.id, line.number, by)
                self.evidence.forget([range(since, line.number + 1)])
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
            self.course.forget(lines)
            self.evidence.forget(lines)

    def _survive(self, writer: bytes, *, met: bool = False) -> None:
        """What a program can live with was lived with until this good end, unless a verdict stands."""
        if not self.course.condemned:
            self.evidence.survive(writer, met=met)
