"""Text pasted from a terminal is cut at its width, in the middle of a word: the same lines, joined."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

NARROWEST = 72  # columns; a shorter line was not cut by any terminal


class Unwrapped:
    """The lines of a text put together without their ends, and which line each part came from."""

    def __init__(self, text: bytes) -> None:
        self._lines = text.split(b"\n")
        self._ends = list(accumulate(map(len, self._lines)))
        self.text = b"".join(self._lines)

    def line(self, at: int) -> int:
        """The number of the line, from 0, in which the joined text's byte `at` stands."""
        return bisect_right(self._ends, at)

    def cut_by_a_terminal(self, start: int, end: int) -> bool:
        """Whether what stands between the two bytes can have been one line: all its lines but the last are long."""
        cut = self._lines[self.line(start) : self.line(end - 1)]
        return bool(cut) and all(len(line) >= NARROWEST for line in cut)
