"""Triton prints long errors in a table cut at the column width: this puts the messages together again.

A row that goes on has an empty first cell. The text may be cut in the middle of a word or a path, every line may stand
behind what its carrier writes, and when several ranks write through mpirun their rows are interleaved, each behind its
own prefix. Such a row says itself where its table begins: at its first bar. What it goes on from is the nearest row
above behind the same prefix, but for its time, or, where a counter runs in the prefix, the line above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

GOES_ON = re.compile(rb"\|[ ]{3,}\|")  # the narrowest cell is of one letter, between two spaces
NEAR = 64  # lines that other ranks may write between two rows of one
_TIME = re.compile(rb"\d\d:\d\d:\d\d(?:[.,]\d+)?|(?<![.\d])\d+\.\d{3,}(?![.\d])")
_NUMBER = re.compile(rb"\d+")
_RULE = re.compile(rb"\+--")


@dataclass(kw_only=True)
class _Row:
    """A row with all that goes on from it; `lead` is what stands before its first bar."""

    start: int
    lead: bytes
    cells: list[bytes]

    @property
    def source(self) -> bytes:
        return _source(self.lead)


def is_row(line: bytes) -> bool:
    """Whether the line is a row or a border of a table."""
    return line.rstrip().endswith((b"|", b"-+"))


def joined(text: bytes, prefix: re.Pattern[bytes]) -> bytes:
    """The text with continued rows moved up to the row they belong to; the lines they leave stay, empty.

    A bar before the table's own first one belongs to a carrier: that `prefix` matches, or before which the table has
    its rule.
    """
    rows: dict[int, _Row] = {}  # by where each line starts
    ruled: set[bytes] | None = None
    for start, at in _lines_with(GOES_ON, text):
        row = _row(text, start, at)
        if row and b"|" in row.lead and not prefix.fullmatch(row.lead):
            ruled = {_form(text[a:b]) for a, b in _lines_with(_RULE, text)} if ruled is None else ruled
            row = row if _form(row.lead) in ruled else None
        if row:
            above = _row_above(text, row, rows)
            rows[start] = above or row
            if above:
                rows[above.start] = above
                above.cells = _appended(above.cells, row.cells)
    return _replaced(text, rows)


def _lines_with(wanted: re.Pattern[bytes], text: bytes) -> Iterator[tuple[int, int]]:
    """Where each line begins that has it, and where it stands there first."""
    found = wanted.search(text)
    while found:
        yield text.rfind(b"\n", 0, found.start()) + 1, found.start()
        found = wanted.search(text, _end(text, found.start()))


def _end(text: bytes, at: int) -> int:
    end = text.find(b"\n", at)
    return end if end >= 0 else len(text)


def _row(text: bytes, start: int, bar: int) -> _Row | None:
    """The row of the line from `start`; None when that does not end with another bar than its first."""
    row = text[bar : _end(text, bar)].rstrip()
    ends = len(row) > 2 and row.endswith(b"|")
    return _Row(start=start, lead=text[start:bar], cells=row[1:-1].split(b"|")) if ends else None


def _row_above(text: bytes, row: _Row, rows: dict[int, _Row]) -> _Row | None:
    """The row that this one goes on from; none where the table's rule stands between."""
    begins = _beginning(_form(row.lead))
    source, nearest, end = row.source, None, row.start
    for _ in range(NEAR):
        start = text.rfind(b"\n", 0, max(end - 1, 0)) + 1
        found = begins.match(text, start, end)
        if found and _source(found[1]) == source:
            return rows.get(start) or _row(text, start, found.end(1)) if found[2] == b"|" else None
        if found and end == row.start and found[2] == b"|":
            nearest = rows.get(start) or _row(text, start, found.end(1))
        if not start:
            break
        end = start
    return nearest


@lru_cache(maxsize=64)
def _beginning(form: bytes) -> re.Pattern[bytes]:
    """A line whose table begins behind a lead of this form, with a row or a rule."""
    return re.compile(rb"(%s)(\||\+--)" % re.escape(form).replace(b"0", rb"\d+"))


@lru_cache(maxsize=256)
def _form(lead: bytes) -> bytes:
    """The lead, whatever its numbers are."""
    return _NUMBER.sub(b"0", lead)


@lru_cache(maxsize=256)
def _source(lead: bytes) -> bytes:
    """The lead, whenever it was written."""
    return _TIME.sub(b"", lead)


def _appended(before: list[bytes], more: list[bytes]) -> list[bytes]:
    if len(before) == len(more):
        return [_glued(a, b) for a, b in zip(before, more, strict=True)]
    return [*before[:-1], _glued(before[-1], b"|".join(more).lstrip(b" |"))]


def _glued(start: bytes, rest: bytes) -> bytes:
    """A cell and what goes on below it: nothing between them when the cell was full, one space when it was padded."""
    if not rest.strip():
        return start
    text = start[:-1] if start.endswith(b" ") else start
    text = text.rstrip() + b" " if text.endswith(b" ") else text
    return text + rest.removeprefix(b" ")


def _replaced(text: bytes, rows: dict[int, _Row]) -> bytes:
    pieces, at = [], 0
    for start, row in sorted(rows.items(), key=lambda item: item[0]):
        whole = row.lead + b"|" + b"|".join(row.cells) + b"|"
        pieces += [text[at:start], whole if start == row.start else b""]
        at = _end(text, start)
    return b"".join([*pieces, text[at:]])
