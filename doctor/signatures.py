"""Every known pattern, looked for in one pass over a block: the one door to hyperscan.

Hyperscan says in one linear scan which patterns occur and where they end; only there Python's `re` looks again, in a
small window, to find the beginning and the values a pattern captures. So no pattern can ever backtrack over a log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import hyperscan

WINDOW = 1 << 12


@dataclass(frozen=True, kw_only=True)
class Match:
    """Pattern number `pattern` matches `text[start:end]`, and captured `values` by name."""

    pattern: int
    start: int
    end: int
    values: dict[str, str]


class Signatures:
    """Compiled patterns, numbered as given. Python's syntax, bytes, `^` and `$` at lines; see `docs/diagnosis.md`."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._confirm = [re.compile(pattern.encode(), re.MULTILINE) for pattern in patterns]
        self._which = _compiled(patterns, hyperscan.HS_FLAG_SINGLEMATCH)
        self._where = _compiled(patterns, 0)

    def present(self, text: bytes) -> set[int]:
        """Which patterns occur in the text."""
        found: set[int] = set()
        _scan(self._which, text, lambda pattern, _end: found.add(pattern))
        return found

    def matches(self, text: bytes, wanted: Collection[int]) -> Iterator[Match]:
        """Every match of the wanted patterns, one for each pattern and line, in the order in which they end."""
        ends: list[tuple[int, int]] = []
        _scan(self._where, text, lambda pattern, end: ends.append((pattern, end)) if pattern in wanted else None)
        past: dict[int, int] = {}
        for pattern, end in ends:
            if end <= past.get(pattern, -1):
                continue
            line_end = text.find(b"\n", end, end + WINDOW)
            past[pattern] = line_end if line_end >= 0 else end + WINDOW
            match = self._confirmed(pattern, text, end, past[pattern])
            if match:
                yield match

    def _confirmed(self, pattern: int, text: bytes, end: int, limit: int) -> Match | None:
        for match in self._confirm[pattern].finditer(text, max(0, end - WINDOW), min(limit, len(text))):
            if match.end() >= end:
                values = {k: v.decode("utf-8", "replace").strip() for k, v in match.groupdict().items() if v}
                return Match(pattern=pattern, start=match.start(), end=match.end(), values=values)
        return None


def _compiled(patterns: Sequence[str], flag: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_MULTILINE | flag] * len(patterns)
    database.compile(expressions=[p.encode() for p in patterns], ids=list(range(len(patterns))), flags=flags)
    return database


def _scan(database: hyperscan.Database, text: bytes, found: Callable[[int, int], object]) -> None:
    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        found(pattern, end)

    database.scan(text, match_event_handler=on_match)
