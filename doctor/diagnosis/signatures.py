"""Every known pattern, looked for in one pass over a block: the one door to hyperscan.

Hyperscan says in one linear scan which patterns may occur and where they may end: it is given each pattern without the
bounds of its repeats, which matches a little more and compiles many times as fast. Only there Python's `re` looks
again, in a small window, with the pattern as it stands, and finds the beginning and the values it captures. So no
pattern can ever backtrack over a log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import hyperscan

from doctor.diagnosis import compiled
from doctor.diagnosis.log import LINE_START

WINDOW = 1 << 12
_BEGUN = re.compile(r"\^?(?P<open>(?:\(\?P<\w+>)?)(?P<one>\[\^?(?:\\.|[^\]\\])+\]|\\[Sw])\{(?P<least>\d+),\d+\}")
_BOUND = re.compile(r"(\[\\s\\S\])?\{([01]),\d+\}")  # `[\s\S]` keeps its own: without one it runs to the block's end


@dataclass(frozen=True, kw_only=True)
class Place:
    """Pattern number `pattern` may match in the line that starts at `line`, and if it does ends at `end` or later."""

    pattern: int
    line: int
    end: int


class Signatures:
    """Compiled patterns, numbered as given: Python's syntax, on bytes, `^` and `$` at lines (docs/diagnosis.md).

    Those of one `kind` are kept for the next start. With `exact`, what is `present` counts as it is, without another
    look.
    """

    def __init__(self, patterns: Sequence[str], kind: str = "patterns", *, exact: bool = False) -> None:
        self._patterns = [_anchored(pattern) for pattern in patterns]
        self._loose = [loose(_anchored(pattern) if exact else _floating(pattern)) for pattern in patterns]
        self._which = _kept(kind, dict(enumerate(self._loose)), hyperscan.HS_FLAG_SINGLEMATCH)
        self._where: dict[int, hyperscan.Database] = {}

    def present(self, text: bytes) -> set[int]:
        """Which patterns may occur in the text."""
        found: set[int] = set()
        _scan(self._which, text, lambda pattern, _end: found.add(pattern))
        return found

    def places(self, text: bytes, wanted: Collection[int]) -> list[Place]:
        """Where the wanted patterns may occur, in the order of the text: the first place in each line.

        A line longer than the window may have several.
        """
        places: dict[tuple[int, int, int], Place] = {}
        for pattern in wanted:
            for end in _ends(self._database(pattern), text):
                line = text.rfind(b"\n", 0, end - 1) + 1
                places.setdefault((pattern, line, end // WINDOW), Place(pattern=pattern, line=line, end=end))
        return sorted(places.values(), key=lambda place: (place.end, place.pattern))

    def _database(self, pattern: int) -> hyperscan.Database:
        if pattern not in self._where:
            self._where[pattern] = _compiled({pattern: self._loose[pattern]}, 0)
        return self._where[pattern]

    def match(self, text: bytes, place: Place) -> re.Match[bytes] | None:
        """What `re` finds at the place; None when the pattern as it stands does not match there."""
        limit = text.find(b"\n", place.end, place.end + WINDOW)
        limit = limit if limit >= 0 else min(place.end + WINDOW, len(text))
        pattern = re.compile(self._patterns[place.pattern].encode(), re.MULTILINE)  # `re` keeps the last 512 compiled
        first = max(0, place.end - WINDOW)
        for start in (max(first, place.line), first):  # most matches stand in one line
            found = (match for match in pattern.finditer(text, start, limit) if match.end() >= place.end)
            if match := next(found, None):
                return match
        return None


def loose(pattern: str) -> str:
    """The pattern without the upper bounds of its repeats."""
    return _BOUND.sub(lambda found: found[0] if found[1] else "*+"[int(found[2])], pattern)


def _anchored(pattern: str) -> str:
    return LINE_START + pattern[1:] if pattern.startswith("^") else pattern


def _floating(pattern: str) -> str:
    """What hyperscan looks for: a little more than the pattern, where that is much faster.

    Behind whatever a carrier may end with, instead of behind a carrier; of a run of characters at its beginning only
    the last.
    """
    if begun := _BEGUN.match(pattern):
        return f"{begun['open']}{begun['one'] if int(begun['least']) else ''}{pattern[begun.end() :]}"
    return f'(?:^|[ \\t|>:"\\]]){pattern[1:]}' if pattern.startswith("^") else pattern


def _kept(kind: str, patterns: Mapping[int, str], flag: int) -> hyperscan.Database:
    """As `_compiled`, but from what an earlier time kept: hyperscan takes it only whole, and for this processor."""
    made_of = hashlib.sha256(
        repr((getattr(hyperscan, "__version__", ""), flag, sorted(patterns.items()))).encode()
    ).hexdigest()[:16]
    name = f"{kind}-{made_of}"
    if (said := compiled.kept(name)) is not None:
        with suppress(hyperscan.error):
            database = hyperscan.loadb(said, hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
            return database
    database = _compiled(patterns, flag)
    compiled.keep(name, hyperscan.dumpb(database))
    return database


def _compiled(patterns: Mapping[int, str], flag: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_MULTILINE | flag] * len(patterns)
    database.compile(expressions=[p.encode() for p in patterns.values()], ids=list(patterns), flags=flags)
    return database


def _ends(database: hyperscan.Database, text: bytes) -> list[int]:
    ends: list[int] = []
    _scan(database, text, lambda _pattern, end: ends.append(end))
    return ends


def _scan(database: hyperscan.Database, text: bytes, found: Callable[[int, int], object]) -> None:
    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        found(pattern, end)

    database.scan(text, match_event_handler=on_match)
