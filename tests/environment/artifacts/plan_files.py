"""Writes the header of a TensorRT plan from what is known of a public one, so that none of those is copied here."""

from __future__ import annotations

import struct

from environment.artifacts.plan_stream import SIZES, TYPES, Layout


def values(layout: Layout, version: tuple[int, ...], device: dict[str, int]) -> bytes:
    """The first values of an engine in this layout; values without a name are 7."""
    flag = 0 if version[0] < 8 else 0x8000
    out = b"".join(struct.pack("<HHB", 2 | flag, 1, number) for number in version)
    for word in layout.values.split():
        kind, _, name = word.partition(":")
        if kind == "close":
            out += struct.pack("<H", int(name, 16) ^ 0xFFFF)
        elif kind == "open":
            out += struct.pack("<HH", int(name, 16), 1)
        else:
            out += struct.pack("<HH", TYPES[kind] | flag, 1) + device.get(name, 7).to_bytes(SIZES[kind], "little")
    return out


def archive(content: bytes, header: str, serialization: int) -> bytes:
    """The content behind one of the three known archive headers: "7.1", "8.0" or "10.6"."""
    if header == "7.1":
        return struct.pack("<4sIIQI", b"ptrt", 97, serialization, len(content), 0) + content
    if header == "8.0":
        return struct.pack("<4sIIIQ", b"ptrt", 0, serialization, 0, len(content)) + content
    return struct.pack("<4sIQI", b"ptrt", serialization, len(content), 0) + content


def contained(engine: bytes, version: tuple[int, ...], others: tuple[bytes, ...] = ()) -> bytes:
    """A container of other sections by tag, each of eight bytes, and then the engine."""
    parts = [*((tag, bytes(8)) for tag in others), (b"NGNE", engine)]
    at, table, body = 32 + 24 * len(parts), b"", b""
    for tag, part in parts:
        table += struct.pack("<4s4xQQ", tag, at + len(body), len(part))
        body += part + bytes(-len(part) % 8)
    size = at + len(body) + 4
    return struct.pack("<4sIQQ4B4x", b"ftrt", 0, len(parts), size, *version) + table + body + b"\x99\x8b\x8d\x8b"
