"""Commands that a person gave in a terminal, pasted with what they printed: which runs a later one replaces."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile

KEPT = 50  # commands that are remembered
ALIKE = 0.5  # of the words of two commands, those that both have
THINGS = 2  # words that both have, beside the program and options
BEFORE = (b"cd", b"echo", b"export", b"set", b"sleep", b"source", b".")
_NEXT = re.compile(rb" ?(?:&&|\|\||;) ?")
_OUTPUT = re.compile(rb" (?:[\d&]?>|\||&(?:$| )).*")  # where it goes is no part of what is run

Command = tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The commands of one line, each as its words, and the lines from that one to the next command."""

    commands: tuple[Command, ...]
    lines: range


class Session:
    """What was given so far, but for what was given again."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._alike: list[range] = []

    @property
    def replaces(self) -> bool:
        """Whether a run is like an earlier one, so that a good end would take that one back."""
        return bool(self._alike)

    @property
    def begun(self) -> list[int]:
        """The lines in which commands were given."""
        return [run.lines.start for run in self._runs]

    @property
    def state(self) -> object:
        """All that it knows, but not in which lines."""
        return [run.commands for run in self._runs], len(self._alike)

    def give(self, line: bytes, number: int) -> list[range]:
        """A command is given in this line: the lines of its earlier runs, of which only the last one counts."""
        self._runs[-1:] = [replace(run, lines=range(run.lines.start, number)) for run in self._runs[-1:]]
        new = Run(commands=_commands(line), lines=range(number, number + 1))
        same = [run for run in self._runs if _same(run, new)]
        others = [run for run in self._runs if run not in same]
        self._alike = [*self._alike, *(run.lines for run in others if _alike(run, new))][-KEPT:]
        self._runs = [*others, new][-KEPT:]
        return [run.lines for run in same]

    def succeed(self) -> list[range]:
        """Something ended well: the lines of the runs that a later one, like them, has replaced."""
        replaced, self._alike = self._alike, []
        return replaced


def _commands(line: bytes) -> tuple[Command, ...]:
    """What a line runs, without what only goes before it."""
    given = (tuple(_OUTPUT.sub(b"", part).split()) for part in _NEXT.split(line))
    return tuple(command for command in given if command and command[0] not in BEFORE)


def _same(old: Run, new: Run) -> bool:
    """Whether all is given again as it was, or with more options."""
    return _all_again(old, new, lambda one, other: one[0] == other[0] and _adds(one, other))


def _alike(old: Run, new: Run) -> bool:
    """Whether all is given again, though with other values."""
    return _all_again(old, new, lambda one, other: _share(one, other) >= ALIKE)


def _all_again(old: Run, new: Run, again: Callable[[Command, Command], bool]) -> bool:
    return bool(old.commands) and all(any(again(one, other) for other in new.commands) for one in old.commands)


def _adds(one: Command, other: Command) -> bool:
    return set(one) <= set(other) and all(word.startswith(b"-") for word in set(other) - set(one))


def _share(one: Command, other: Command) -> float:
    """The share of words that both have; none where what is done, what it is done to, or its code (`-c`) differs."""
    both = set(one) & set(other)
    things = [word for word in both - {one[0]} if not word.startswith(b"-")]
    deeds = zip(_deed(one), _deed(other), strict=False)
    if any(a != b for a, b in deeds) or b"-c" in one or len(things) < THINGS:
        return 0.0
    return len(both) / len({*one, *other})


def _deed(command: Command) -> tuple[bytes, ...]:
    """The program and what it is to do: `docker run`, `git clone`, `python3 convert.py`; options say neither."""
    return tuple(takewhile(lambda word: not word.startswith(b"-"), command[:2]))
