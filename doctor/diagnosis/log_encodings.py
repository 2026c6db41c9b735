"""A log in UTF-8, whichever encoding it was written in: PowerShell writes UTF-16, a Chinese Windows GBK.

PowerShell's `>>` and `Tee-Object -Append` write UTF-16 without a mark behind whatever the file holds, and other
programs write bytes behind UTF-16: such a file changes its encoding with a line, or where one was broken off.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

_START = 1 << 12
_MARKED = {  # UTF-32 first: its mark begins as that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WIDE = "utf-16-le"  # the only one of UTF-16 and UTF-32 that is appended to bytes, or bytes to it
_COMMON = b"\n 0123456789"
_SURE = 4  # of those
_CHINESE = re.compile(rb"[\xa1-\xf7][\xa1-\xfe][\xa1-\xf7][\xa1-\xfe]")
_LATIN = re.compile(rb"(?:[^\0]\0){6}")  # letters in UTF-16; some stray NULs are none
_LINES = rb"(?P<lines>(?:[^\0\n]*\n)+)(?!\0)"  # of bytes
_BEGINS = re.compile(_LINES)
_FOLLOWS = re.compile(rb"\n\0" + _LINES)  # those of UTF-16
_LEAST, _MANY = 6, 64  # bytes that may be a few Chinese characters of UTF-16; that are not
_HIGH = bytes(range(0x80, 0x100))
_CONTROL = re.compile(rb"[\0-\x06\x0e-\x1a]|\r(?!\n)")


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Where in a chunk another encoding begins."""

    at: int
    encoding: str


def utf8(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Chunks of the stream, each of `size` bytes and the rest of a line.

    What is no UTF-16, UTF-32 or GBK stays as it is.
    """
    chunk = _chunk(stream, size)
    decoder = _Decoder(_encoding(chunk))
    while chunk:
        pieces, start = list[bytes](), 0
        while change := _change(chunk, start, decoder.encoding):
            pieces.append(decoder.utf8(chunk[start : change.at]))
            start, decoder = change.at, _Decoder(change.encoding)
        yield b"".join([*pieces, decoder.utf8(chunk[start:])]) if start else decoder.utf8(chunk)
        chunk = _chunk(stream, size)


class _Decoder:
    """Bytes of one encoding, which may end in the middle of a character; without one they stay as they are."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None

    def utf8(self, data: bytes) -> bytes:
        """The same in UTF-8."""
        return self._decoder.decode(data).encode("utf-8", "replace") if self._decoder else data


def _chunk(stream: BinaryIO, size: int) -> bytes:
    """So many bytes and, unless it is very long, the rest of their last line: an encoding changes between two lines."""
    chunk = stream.read(size)
    if len(chunk) == size and not chunk.endswith(b"\n"):
        chunk += stream.readline(size)
    return chunk + stream.read(1) if chunk.endswith(b"\0\n") else chunk  # the other half of the newline


def _encoding(head: bytes) -> str:
    """By its byte order mark, or by how the beginning is made; empty for UTF-8 and what cannot be told."""
    for mark, name in _MARKED.items():
        if head.startswith(mark):
            return name
    change = _widened(head, 0)
    if change and change.at == 0:
        return change.encoding
    first = head[: change.at] if change else head
    if 0 in head[:_START] and not (change and _is_text(first)):
        return _utf16(head[:_START])
    return "gb18030" if _is_gbk(first) else ""


def _utf16(start: bytes) -> str:
    """Without a mark, by the ends of lines, spaces and digits, which text in any language has; a stray NUL is none."""
    pairs = list(zip(start[0::2], start[1::2], strict=False))
    units = {
        "utf-16-le": sum(high == 0 and low in _COMMON for low, high in pairs),
        "utf-16-be": sum(high == 0 and low in _COMMON for high, low in pairs),
    }
    name, most = max(units.items(), key=lambda unit: unit[1])
    if most >= _SURE and most > len(pairs) / 64:
        return name
    latin = {
        "utf-16-le": sum(low > 0 == high for low, high in pairs),
        "utf-16-be": sum(low > 0 == high for high, low in pairs),
    }
    return next((name for name, letters in latin.items() if len(start) >= 8 and letters > 0.9 * len(pairs)), "")


def _change(chunk: bytes, start: int, encoding: str) -> _Change | None:
    """The first change from this encoding to another one behind `start`."""
    if encoding == _WIDE:
        return _narrowed(chunk, start)
    return _widened(chunk, start) if encoding in ("", "gb18030") else None


def _widened(chunk: bytes, start: int) -> _Change | None:
    """UTF-16 begins with its line, or, where that is one of bytes that was broken off, with its first Latin letters."""
    null = chunk.find(0, start)
    latin = _LATIN.search(chunk, max(start, null - 1)) if null >= 0 else None
    if latin is None:
        return None
    letters = latin.start()
    line = _line(chunk, start, letters)
    whole = (letters - line) % 2 == 0 and not _is_utf8(chunk[line:letters])  # its letters before those are not Latin
    return _Change(at=line if whole else letters, encoding=_WIDE)


def _line(chunk: bytes, start: int, letters: int) -> int:
    """Where the line of UTF-16 with these letters begins; the first of several that end as its lines do.

    A newline in it is none where only half a character follows: many a Chinese one holds that byte.
    """
    line = max(chunk.rfind(b"\n", start, letters) + 1, start)
    while line > start and (chunk[line] == 0 or (letters - line) % 2):
        line = max(chunk.rfind(b"\n", start, line - 1) + 1, start)
    return line


def _narrowed(chunk: bytes, start: int) -> _Change | None:
    """Lines of bytes begin behind a line of UTF-16."""
    for found in filter(None, chain([_BEGINS.match(chunk, start)], _FOLLOWS.finditer(chunk, start))):
        whole = found["lines"]
        if _is_text(whole) or _is_text(whole[: whole.rfind(b"\n", 0, -1) + 1]):  # the last may be cut out of UTF-16
            return _Change(at=found.start("lines"), encoding="gb18030" if _is_gbk(whole) else "")
    return None


def _is_text(data: bytes) -> bool:
    """Whether it is written in bytes: UTF-8 or GBK, or mostly ASCII where that cannot be chance."""
    if len(data) < _LEAST or 0 in data:
        return False
    if len(data) > _MANY and len(data.translate(None, _HIGH)) > 0.75 * len(data):
        return True
    return (_is_utf8(data) and not _CONTROL.search(data)) or _is_gbk(data)


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(data)
        return True
    return False


def _is_gbk(head: bytes) -> bool:
    """Whether it is no UTF-8, but Chinese characters of two high bytes each, two of them together somewhere."""
    if not _CHINESE.search(head) or _is_utf8(head):
        return False
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("gb2312")().decode(head)
        return True
    return False
