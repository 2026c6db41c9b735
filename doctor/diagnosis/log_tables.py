"""Triton prints long errors in a table cut at the column width: this puts the messages together again.

A row that goes on has an empty first cell. The text may be cut in the middle of a word or a path, and when several
ranks write through mpirun their rows are interleaved, each behind its own prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* ")


def is_row(line: bytes) -> bool:
    """Whether the line is a row or a border of a table."""
    return line.rstrip().endswith((b"|", b"-+"))


def joined(text: bytes, prefix: re.Pattern[bytes]) -> bytes:
    """The text with continued rows moved up to the row they belong to; the lines they leave stay, empty."""
    rows: dict[tuple[int, int], bytes] = {}
    open_rows: dict[bytes, tuple[tuple[int, int], bytes, list[bytes]]] = {}
    for place in _row_places(text):
        lead, cells = _parts(text[slice(*place)], prefix)
        source = _TIME.sub(b"", lead)
        if not cells:
            continue
        if source in open_rows and not cells[0].strip():
            first, first_lead, before = open_rows[source]
            together = _appended(before, cells)
            rows[place] = b""
            rows[first] = first_lead + b"|" + b"|".join(together) + b"|"
            open_rows[source] = (first, first_lead, together)
        else:
            open_rows[source] = (place, lead, cells)
    return _replaced(text, rows)


def _row_places(text: bytes) -> Iterator[tuple[int, int]]:
    end = text.find(b"|\n")
    while end >= 0:
        yield text.rfind(b"\n", 0, end) + 1, end + 1
        end = text.find(b"|\n", end + 1)


def _parts(line: bytes, prefix: re.Pattern[bytes]) -> tuple[bytes, list[bytes]]:
    """What stands before the table, and the cells; no cells when the line only happens to end with a bar."""
    found = prefix.match(line)
    lead = line[: found.end()] if found else b""
    row = line[len(lead) :]
    return (lead, row[1:-1].split(b"|")) if len(row) > 2 and row.startswith(b"|") else (lead, [])


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


def _replaced(text: bytes, rows: dict[tuple[int, int], bytes]) -> bytes:
    pieces, at = [], 0
    for start, end in sorted(rows):
        pieces += [text[at:start], rows[start, end]]
        at = end
    return b"".join([*pieces, text[at:]])
