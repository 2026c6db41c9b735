"""Lines that were one: cut by a terminal at its width, or broken between two words by a page, a mail or a help text."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, pairwise

NARROWEST = 72  # columns; a shorter line was not cut by any terminal
SHORTEST = 36  # characters; a shorter line was not broken by any page
MOST = 4  # lines of a page that one message takes
_GOES_ON = re.compile(rb"[a-z('\"`<$/]|[A-Z][a-z]")  # as a sentence does: no stamp, level, bracket, rule or list's mark


class Unwrapped:
    """The lines of a text put together as a terminal's were, and which line each part came from."""

    joint = b""

    def __init__(self, text: bytes) -> None:
        self._lines = [self.part(line) for line in text.split(b"\n")]
        self._ends = list(accumulate(len(line) + len(self.joint) for line in self._lines))
        self.text = self.joint.join(self._lines)

    def part(self, line: bytes) -> bytes:
        """What of a line belongs to the message: here all of it."""
        return line

    def line(self, at: int) -> int:
        """The number of the line, from 0, in which the joined text's byte `at` stands."""
        return bisect_right(self._ends, at)

    def was_cut(self, start: int, end: int) -> bool:
        """Whether what stands between the two bytes takes several lines and can have been one."""
        lines = self._lines[self.line(start) : self.line(end - 1) + 1]
        return len(lines) > 1 and self.can_be_one(lines)

    def can_be_one(self, lines: list[bytes]) -> bool:
        """Whether a terminal can have cut them: all but the last are long."""
        return all(len(line) >= NARROWEST for line in lines[:-1])


class Reflowed(Unwrapped):
    """The lines of a text put together as a page's were: with a space, without what they are set in by."""

    joint = b" "

    def part(self, line: bytes) -> bytes:
        """The line without its indentation and the marks of a quotation."""
        return line.strip(b" \t\r>|")

    def can_be_one(self, lines: list[bytes]) -> bool:
        """Whether a page can have broken them: a few, none short but the last, each going on as a sentence does."""
        return len(lines) <= MOST and all(
            len(line) >= SHORTEST and _GOES_ON.match(then) is not None for line, then in pairwise(lines)
        )
