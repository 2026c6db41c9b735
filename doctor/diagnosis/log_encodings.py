"""A log in UTF-8, whichever encoding it was written in: PowerShell writes UTF-16, a Chinese Windows GBK."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

_START = 1 << 12
_MARKED = {  # UTF-32 first: its mark begins as that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMON = b"\n 0123456789"
_SURE = 4  # of those
_CHINESE = re.compile(rb"[\xa1-\xf7][\xa1-\xfe][\xa1-\xf7][\xa1-\xfe]")


def utf8(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Chunks of the stream, read by `size` bytes; anything else than UTF-16, UTF-32 and GBK stays as it is."""
    head = stream.read(size)
    encoding = _encoding(head)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    while head:
        yield decoder.decode(head).encode("utf-8", "replace") if decoder else head
        head = stream.read(size)


def _encoding(head: bytes) -> str:
    """By its byte order mark, or by how the beginning is made; empty for UTF-8 and what cannot be told."""
    for mark, name in _MARKED.items():
        if head.startswith(mark):
            return name
    if 0 in head[:_START]:
        return _utf16(head[:_START])
    return "" if head.isascii() or not _is_gbk(head) else "gb18030"


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
    latin = {"utf-16-le": start[1::2].count(0), "utf-16-be": start[0::2].count(0)}
    return next((name for name, zeros in latin.items() if len(start) >= 8 and zeros > 0.9 * len(pairs)), "")


def _is_gbk(head: bytes) -> bool:
    """Whether it is no UTF-8, but Chinese characters of two high bytes each, two of them together somewhere."""
    if not _CHINESE.search(head):
        return False
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return False
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("gb2312")().decode(head)
        return True
    return False
