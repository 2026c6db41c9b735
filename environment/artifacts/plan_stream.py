"""Reads the first values of a serialized TensorRT engine: its TensorRT version and the GPU it was built on.

The values come as NVIDIA's archive writes them: a u16 type, a u16 type version, the value; a structure ends with its
type's complement. Which values there are changed from release to release: `plan_layouts.toml` holds what is known.
The words of a `Fault` are TensorRT's own, as recorded in `tests/transcripts/plans/verdicts.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from environment.data import Record, Value, read_toml

SIZES = {"u8": 1, "i32": 4, "i64": 8, "u64": 8, "bool": 1}
TYPES = {"u8": 0x02, "i32": 0x07, "i64": 0x08, "u64": 0x09, "bool": 0x0A}
FLAG = 0x8000  # set on every type since TensorRT 8
PAST_THE_END = "Serialization assertion count <= mEnd - mCurrent failed.Trying to consume past end of archive"
Version = tuple[int, ...]


class Fault(Value, frozen=True, kw_only=True):
    """The first thing TensorRT would stumble over: where in its reading, and its words."""

    stage: Literal["size", "magic", "container", "archive", "version", "stream"]
    message: str


class Layout(Record, frozen=True):
    """One known beginning of an engine; `values` as explained in plan_layouts.toml."""

    name: str
    releases: dict[str, int]
    source: str
    values: str
    hardware_levels: int = 0


class Serialization(Record, frozen=True):
    """Releases of which only the serialization number is known."""

    releases: dict[str, int]
    source: str


class Layouts(Record, frozen=True):
    """The file of known layouts."""

    serialization: tuple[Serialization, ...]
    layout: tuple[Layout, ...]


class Stream(Value, frozen=True, kw_only=True):
    """What the first values say. `layout` is empty, and `device` with it, where the layout is not known."""

    tensorrt: Version | None = None
    layout: str = ""
    device: Mapping[str, int] = {}
    fault: Fault | None = None


class _Stumble(Exception):
    """Carries TensorRT's words out of the walk over the values."""


@cache
def _known() -> Layouts:
    return read_toml(Path(__file__).with_name("plan_layouts.toml"), Layouts)


def known_layouts() -> tuple[Layout, ...]:
    """The layouts this project knows, oldest first."""
    return _known().layout


@cache
def serializations() -> Mapping[str, int]:
    """The serialization number of each release ("8.6") of which it is known."""
    alone = (row.releases for row in _known().serialization)
    return dict(item for releases in (*alone, *(row.releases for row in known_layouts())) for item in releases.items())


def parse_stream(data: bytes) -> Stream:
    """The first values of an engine, from just after its archive header."""
    walk = _Walk(data)
    try:
        tensorrt = tuple(walk.values("u8:a u8:b u8:c u8:d").values())
    except _Stumble as stumble:
        return Stream(fault=Fault(stage="version", message=str(stumble)))
    own = [layout for layout in known_layouts() if f"{tensorrt[0]}.{tensorrt[1]}" in layout.releases]
    return _device(walk, tensorrt, own)


def _device(walk: _Walk, tensorrt: Version, own: list[Layout]) -> Stream:
    """The values by the release's own layout, or, for a release not seen yet, by one whose every type agrees.

    Only the number of the outermost structure may then differ: it is another in every few releases.
    """
    fault, begin = None, walk.at
    for layout in own or known_layouts():
        walk.at = begin
        try:
            device = walk.values(layout.values, any_structure=not own)
            _check_level(device, layout)
        except _Stumble as stumble:
            fault = fault or Fault(stage="stream", message=str(stumble))
            continue
        return Stream(tensorrt=tensorrt, layout=layout.name, device=device)
    return Stream(tensorrt=tensorrt, fault=fault if own else None)


def _check_level(device: Mapping[str, int], layout: Layout) -> None:
    if not 0 <= device.get("hardware_level", 0) < max(1, layout.hardware_levels):
        raise _Stumble("Serialization assertion validateEnum(ArchiveTraits<T>(), i) failed.invalid enum")


class _Walk:
    """A place in the values; every step raises _Stumble where they are not what is expected."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.flag = 0 if data[:2] == TYPES["u8"].to_bytes(2, "little") else FLAG

    def values(self, kinds: str, *, any_structure: bool = False) -> dict[str, int]:
        """Walks over values of these kinds and gives the named ones; the first may be any structure."""
        found: dict[str, int] = {}
        for position, word in enumerate(kinds.split()):
            kind, _, name = word.partition(":")
            self._type(kind, name, anything=any_structure and position == 0)
            value = self._take(SIZES.get(kind, 0))
            if name and value:
                found[name] = int.from_bytes(value, "little", signed=kind == "i32")
        return found

    def _type(self, kind: str, name: str, *, anything: bool) -> None:
        number = int(name, 16) if kind in ("open", "close") else TYPES[kind] | self.flag
        expected = number ^ 0xFFFF if kind == "close" else number
        actual = int.from_bytes(self._take(2), "little")
        if actual != expected and not (anything and kind == "open"):
            words = "Serialization assertion actualTypehash == expectedTypehash failed."
            raise _Stumble(f"{words}actual: {actual} expected: {expected}")
        if kind != "close" and self._take(2) != b"\x01\x00":
            words = "Serialization assertion hasVersion<StdArchiveInfo>(type, version) failed."
            raise _Stumble(f"{words}invalid version for standard type")

    def _take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise _Stumble(PAST_THE_END)
        self.at += size
        return self.data[self.at - size : self.at]
