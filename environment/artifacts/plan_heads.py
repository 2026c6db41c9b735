"""Writes the head of a TensorRT plan: the inverse of `plan_container` and `plan_stream`, without an engine behind it.

For what stands in for an engine: a rehearsal's `trtllm-build`, and the tests. TensorRT would take such a file for a
plan of its version and GPU, and fail behind the head.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from environment.artifacts.plan_container import ARCHIVE, CONTAINER, END, ENGINE, ENTRY_SIZE, HEADER_SIZE
from environment.artifacts.plan_stream import FLAG, SIZES, TYPES, Layout, Version, known_layouts, serializations

UNNAMED = 7  # a value that nobody reads
# The three known headers of an archive (plan_container.parse_archive), by the first release of which one was seen.
ARCHIVES: Mapping[Version, Callable[[int, int], bytes]] = {
    (7, 1): lambda number, size: struct.pack("<4sIIQI", ARCHIVE, 97, number, size, 0),
    (8, 0): lambda number, size: struct.pack("<4sIIIQ", ARCHIVE, 0, number, 0, size),
    (10, 6): lambda number, size: struct.pack("<4sIQI", ARCHIVE, number, size, 0),
}


def head(version: Version, compute: tuple[int, int], content: bytes = b"") -> bytes:
    """A whole container: a plan of this TensorRT (four numbers) and compute capability, `content` behind its head."""
    layout = nearest(version)
    device = {"compute_major": compute[0], "compute_minor": compute[1], "hardware_level": 0}
    said = "{}.{}".format(*version)
    number = serializations().get(said) or max(layout.releases.values())
    form = max(first for first in ARCHIVES if first <= version)
    return contained(archive(values(layout, version, device) + content, form, number), version)


def nearest(version: Version) -> Layout:
    """The layout of that TensorRT, or the newest that is older, or the oldest there is."""
    older = [layout for layout in known_layouts() if first(layout) <= version[:2]]
    return max(older or known_layouts()[:1], key=first)


def first(layout: Layout) -> Version:
    """The first release that a layout was seen in."""
    return min(tuple(map(int, release.split("."))) for release in layout.releases)


def values(layout: Layout, version: Version, device: Mapping[str, int]) -> bytes:
    """The first values of an engine in this layout."""
    flag = 0 if version[0] < 8 else FLAG
    out = b"".join(struct.pack("<HHB", TYPES["u8"] | flag, 1, number) for number in version)
    for word in layout.values.split():
        kind, _, name = word.partition(":")
        if kind == "close":
            out += struct.pack("<H", int(name, 16) ^ 0xFFFF)
        elif kind == "open":
            out += struct.pack("<HH", int(name, 16), 1)
        else:
            out += struct.pack("<HH", TYPES[kind] | flag, 1) + device.get(name, UNNAMED).to_bytes(SIZES[kind], "little")
    return out


def archive(content: bytes, form: Version, serialization: int) -> bytes:
    """The content behind the archive header that TensorRT has written since the release `form`."""
    return ARCHIVES[form](serialization, len(content)) + content


def contained(engine: bytes, version: Version, others: tuple[bytes, ...] = ()) -> bytes:
    """A container of other sections by tag, each of eight bytes, and then the engine."""
    parts = [*((tag, bytes(8)) for tag in others), (ENGINE.encode(), engine)]
    at, table, body = HEADER_SIZE + ENTRY_SIZE * len(parts), b"", b""
    for tag, part in parts:
        table += struct.pack("<4s4xQQ", tag, at + len(body), len(part))
        body += part + bytes(-len(part) % 8)
    size = at + len(body) + len(END)
    return struct.pack("<4sIQQ4B4x", CONTAINER, 0, len(parts), size, *version) + table + body + END
