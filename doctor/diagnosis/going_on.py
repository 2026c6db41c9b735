"""Whether a program went on with its work behind what went wrong.

One that breaks off prints little more than how it ends. One that prints some lines of its work behind the last thing
that went wrong lived with it, whatever it calls it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from doctor.diagnosis.log import Block, bare, writer

ENOUGH = 4  # lines of its work that tell that a program goes on
SOME = 2  # ... from what it only warned of
LOOKED_THROUGH = 1 << 15  # bytes at the end of a log
_NO_WORK = re.compile(
    rb"\s|$|[|+\]})<]|[-=*#_~]{3}"  # what belongs to the line above: indented, tables, rules
    rb"|-[-rwx]{9}|[\w.-]{2,60} {2,60}\d{1,4}(?:\.\d{1,9}){1,5}$"  # what a person lists: files, packages
    rb'|\d{1,3}:? +(?:0x|[/(])|#\d|\[[\w:.-]+\] \[ ?\d+\]|\[\w+@[\w.-]+\] \w+ \(/|File "'  # frames
    rb"|[^\n]{0,80}NCCL INFO [\w./-]{1,60}:\d+ -> \d"  # NCCL's
    rb"|Exception ignored|Traceback"
    rb"|[A-Z][a-z']*,? [^\n]{10,}(?:[^.][.]|[?:])$|For debugging|Compile with"  # advice
)
_PROMPT = re.compile(
    rb"(?:\([^)\n]{1,40}\) ?)?"  # an environment, or on which machine
    rb"(?:(?:\[?[\w.-]{1,40}[@:][\w.~/-]{1,80}(?:[: ][^\n$#>]{0,120})?\]?)?[$#%](?: |$)|PS [^\n>]{1,120}>|>>> )"
)
_BANNER = re.compile(rb"-{70,80}$")  # between two of these Open MPI says what it has to say
_LONGEST = 40  # lines of a banner

Run = tuple[int, bytes]  # how many commands were given before, and who writes


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """The numbers of the lines in which something went wrong, in which it was met, and in which a program ends."""

    faults: set[int] = field(default_factory=set)
    met: set[int] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)


class Work:
    """Which runs were at work at the end of a log, each as long as no other command was given.

    `tail`: the log's end. `begun`: the numbers of the lines in which a command was given, in all of the log.
    """

    def __init__(self, tail: Block, wrong: Wrong, begun: Iterable[int]) -> None:
        lines = [*enumerate(tail.text.split(b"\n"), tail.first_line)]
        self._begun = sorted({*begun, *(number for number, line in lines if _PROMPT.match(line))})
        said = {*_banners(lines, wrong.faults)}
        self._lines: dict[Run, int] = {}
        for number, line in lines:
            if number not in said:
                run = self._run(number, writer(line, 0))
                self._lines[run] = self._counted(run, number, line, wrong)

    def _counted(self, run: Run, number: int, line: bytes, wrong: Wrong) -> int:
        before = self._lines.get(run, 0)
        if number in wrong.faults or (number in wrong.ends and before < ENOUGH):
            return 0
        other = number in wrong.met or number in wrong.ends or number in self._begun
        return before + (not other and _NO_WORK.match(_said(line)) is None)

    def goes_on(self, number: int, by: bytes, lines: int) -> bool:
        """Whether who wrote this line wrote so many of its work behind it and all else that went wrong in its run."""
        return self._lines.get(self._run(number, by), 0) >= lines

    def _run(self, number: int, by: bytes) -> Run:
        return bisect_right(self._begun, number), by


def _said(line: bytes) -> bytes:
    """The line without its carrier's words; one space behind them is no indent."""
    said = bare(line)
    return said.removeprefix(b" ") if len(said) < len(line) else said


def _banners(lines: Sequence[tuple[int, bytes]], faults: Collection[int]) -> Iterator[int]:
    """The lines behind a fault that belong to the same banner."""
    rules = [number for number, line in lines if _BANNER.match(bare(line))]
    last, _ = lines[-1]
    for fault in faults:
        after = bisect_right(rules, fault)
        if after:
            end = rules[after] if after < len(rules) else last
            if end - rules[after - 1] < _LONGEST:
                yield from range(fault + 1, end + 1)
