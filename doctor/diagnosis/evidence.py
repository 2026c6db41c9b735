"""Where each pattern of a row was first seen in a log, as far as nothing took it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from doctor.diagnosis.course import Line
from doctor.diagnosis.going_on import ENOUGH, SOME, Work


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Where a pattern was first seen, and `by` whom it was written.

    `survivable`: a good end of that writer takes it back. `met`: the log says how it went on, so that a mere closing
    word does, too. `mild`: every such line is a warning. `stays`: it counts even where the program goes on with its
    work. `lasts`: it speaks of no fault.
    """

    line: Line
    by: bytes = b""
    survivable: bool = False
    met: bool = False
    mild: bool = False
    stays: bool = False
    lasts: bool = False

    @property
    def may_change(self) -> bool:
        """Whether it counts for less than it will where the same is seen again."""
        return self.met or self.mild


class Evidence:
    """The first sight of each pattern, by its number."""

    def __init__(self, first: Mapping[int, Seen] | None = None) -> None:
        self._first = dict(first or {})
        self._note()

    def __contains__(self, number: int) -> bool:
        return number in self._first

    def __iter__(self) -> Iterator[int]:
        return iter(self._first)

    def __getitem__(self, number: int) -> Seen:
        return self._first[number]

    @property
    def state(self) -> object:
        """All that it knows, but not in which lines."""
        return {number: (seen.by, seen.survivable, seen.met, seen.mild) for number, seen in self._first.items()}

    @property
    def faults(self) -> bool:
        """Whether any of them is a fault."""
        return any(not seen.lasts for seen in self._first.values())

    def add(self, number: int, seen: Seen) -> None:
        """A pattern is seen: for the first time, or again; what was met, or a warning, is none once it is not."""
        first = self._first.get(number)
        if first is None:
            self._first[number] = seen
        elif first.may_change:
            self._first[number] = replace(
                seen, line=first.line, met=first.met and seen.met, mild=first.mild and seen.mild
            )
        self._note()

    def survive(self, writer: bytes, *, met: bool = False) -> None:
        """What can be lived with, or only what was `met`, was; who writes without a name speaks for all."""
        self._drop(lambda seen: seen.survivable and writer in (b"", seen.by) and (seen.met or not met))

    def forget(self, runs: list[range]) -> None:
        """No fault that was seen in one of these lines counts."""
        self._drop(lambda seen: any(seen.line.number in run for run in runs) and not seen.lasts)

    def pass_over(self, work: Work) -> Evidence:
        """What a program went on from is no fault; it is handed out."""
        passed = {number: seen for number, seen in self._first.items() if self._went_on(seen, work)}
        self._first = {number: seen for number, seen in self._first.items() if number not in passed}
        self._note()
        return Evidence(passed)

    @staticmethod
    def _went_on(seen: Seen, work: Work) -> bool:
        return not seen.stays and work.goes_on(seen.line.number, seen.by, SOME if seen.mild else ENOUGH)

    def _drop(self, lost: Callable[[Seen], bool]) -> None:
        self._first = {number: seen for number, seen in self._first.items() if not lost(seen)}
        self._note()

    def _note(self) -> None:
        """Whether a good end, or a closing word, would take anything back: asked of every line that may be one."""
        self.yields = any(seen.survivable for seen in self._first.values())
        self.met = any(seen.met and seen.survivable for seen in self._first.values())
