"""Every known pattern, looked for in one pass over a block: the one door to hyperscan.

Hyperscan says in one linear scan which patterns occur and where they end; only there Python's `re` looks again, in a
small window, to find the beginning and the values a pattern captures. So no pattern can ever backtrack over a log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import hyperscan

from doctor.log import LINE_START

WINDOW = 1 << 12
KEPT = 16  # databases of few patterns, for the sets that are looked for at the moment
LOOSE_START = re.sub(r"\{1,\d+\}", "+", LINE_START)  # without bounds: it compiles in a fifth of the time


@dataclass(frozen=True, kw_only=True)
class Place:
    """Pattern number `pattern` matches somewhere in the line that starts at `line`, and ends at `end`."""

    pattern: int
    line: int
    end: int


class Signatures:
    """Compiled patterns, numbered as given: Python's syntax, on bytes, `^` and `$` at lines (docs/diagnosis.md)."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._confirm = [re.compile(_anchored(pattern, LINE_START).encode(), re.MULTILINE) for pattern in patterns]
        self._patterns = {number: _anchored(pattern, LOOSE_START) for number, pattern in enumerate(patterns)}
        self._which = _compiled(self._patterns, hyperscan.HS_FLAG_SINGLEMATCH)
        self._where: dict[frozenset[int], hyperscan.Database] = {}

    def present(self, text: bytes) -> set[int]:
        """Which patterns occur in the text."""
        found: set[int] = set()
        _scan(self._which, text, lambda pattern, _end: found.add(pattern))
        return found

    def places(self, text: bytes, wanted: Collection[int]) -> list[Place]:
        """Where the wanted patterns occur: one place for each pattern and line, in the order of the text."""
        if not wanted:
            return []
        ends: list[tuple[int, int]] = []
        _scan(self._database(frozenset(wanted)), text, lambda pattern, end: ends.append((end, pattern)))
        places: dict[tuple[int, int], Place] = {}
        for end, pattern in ends:
            line = text.rfind(b"\n", 0, end - 1) + 1
            places[pattern, line] = Place(pattern=pattern, line=line, end=end)
        return list(places.values())

    def _database(self, wanted: frozenset[int]) -> hyperscan.Database:
        if wanted not in self._where:
            if len(self._where) >= KEPT:
                self._where.clear()
            self._where[wanted] = _compiled({number: self._patterns[number] for number in sorted(wanted)}, 0)
        return self._where[wanted]

    def match(self, text: bytes, place: Place) -> re.Match[bytes] | None:
        """What `re` finds at the place; None in the rare case that it does not agree with hyperscan."""
        limit = text.find(b"\n", place.end, place.end + WINDOW)
        limit = limit if limit >= 0 else min(place.end + WINDOW, len(text))
        for match in self._confirm[place.pattern].finditer(text, max(0, place.end - WINDOW), limit):
            if match.end() >= place.end:
                return match
        return None


def _anchored(pattern: str, line_start: str) -> str:
    return line_start + pattern[1:] if pattern.startswith("^") else pattern


def _compiled(patterns: Mapping[int, str], flag: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_MULTILINE | flag] * len(patterns)
    database.compile(expressions=[p.encode() for p in patterns.values()], ids=list(patterns), flags=flags)
    return database


def _scan(database: hyperscan.Database, text: bytes, found: Callable[[int, int], object]) -> None:
    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        found(pattern, end)

    database.scan(text, match_event_handler=on_match)
