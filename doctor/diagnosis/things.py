"""Things that a log names over and over, such as the pods of a cluster: only how each stood last counts."""

from __future__ import annotations

KEPT = 500  # lines in which things were ill; with more than that, what they said stays

Thing = tuple[str, bytes]  # what it is, and its name


class Things:
    """The lines in which something was ill, until all of its kind are well.

    One that is well takes nothing back while another is ill: a line may stand for both, where it says the same of them.
    """

    def __init__(self) -> None:
        self._ill: dict[Thing, list[int]] = {}
        self._was_ill: dict[str, list[int]] = {}
        self._kept = 0

    @property
    def state(self) -> object:
        """All that it knows, but not in which lines."""
        return [{thing: len(lines) for thing, lines in ill.items()} for ill in (self._ill, self._was_ill)]

    def ail(self, thing: Thing, line: int) -> None:
        """The thing is ill in this line."""
        if self._kept < KEPT:
            self._ill.setdefault(thing, []).append(line)
            self._kept += 1

    def recover(self, thing: Thing) -> list[range]:
        """The thing is well: the lines that do not count any more."""
        if thing not in self._ill:
            return []
        kind, _ = thing
        self._was_ill.setdefault(kind, []).extend(self._ill.pop(thing))
        if any(kind == other for other, _ in self._ill):
            return []
        lines = self._was_ill.pop(kind)
        self._kept -= len(lines)
        return [range(line, line + 1) for line in lines]
