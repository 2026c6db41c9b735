"""The outside of a TensorRT plan: since 8.6 a container of sections, and in it (before 8.6: alone) an archive.

A container is `ftrt`, u32 version, u64 count of sections, u64 size of the file, four bytes of the TensorRT version
(which `trtexec --getPlanVersionOnly` prints, and nothing else reads), then per section a tag, an offset and a size;
aligned to 8 after the last section stands the end marker. Found on the plans in tests/transcripts/plans, as are
TensorRT's words for what breaks these rules.
"""

from __future__ import annotations

import struct

from msgspec.structs import replace

from environment.artifacts.plan_stream import PAST_THE_END, Fault, Version
from environment.data import Value

CONTAINER, ARCHIVE, ENGINE = b"ftrt", b"ptrt", "NGNE"
HEADER_SIZE, ENTRY_SIZE, ALIGNMENT = 32, 24, 8
END = bytes(byte ^ 0xFF for byte in CONTAINER)
VALUE, VALUE_BEFORE_8 = b"\x02\x80\x01\x00", b"\x02\x00\x01\x00"  # what leads a byte, the first value of an archive
TOO_SHORT = "Assertion blobSize > numericCast<int64_t>(sizeof(rt::PlanHeader)) failed."
NO_PLAN = "Serialization assertion plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed."
NO_MAGIC = "Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match"
BAD_SIZE = (
    "Serialization assertion sizeRead == static_cast<uint64_t>(mEnd - mCurrent) failed."
    "Size specified in header does not match archive size"
)


class Section(Value, frozen=True, kw_only=True):
    """One section, such as NGNE (engine, as its four bytes are stored) or THGW (weights); offset and size in bytes."""

    tag: str
    offset: int
    size: int


class Container(Value, frozen=True, kw_only=True):
    """The table of sections, as far as it could be walked; `end` is where the end marker must stand."""

    expected_size: int | None = None
    version: Version | None = None
    sections: tuple[Section, ...] = ()
    end: int = 0
    fault: Fault | None = None


class Archive(Value, frozen=True, kw_only=True):
    """The header of an archive: the two version tags, the bytes it claims to have, and where its values begin."""

    safe_version: int = 0
    serialization: int | None = None
    expected_size: int | None = None
    values: int = 0
    fault: Fault | None = None


def parse_container(head: bytes, size: int) -> Container:
    """The container that begins with `head`, of a file of `size` bytes."""
    if size <= HEADER_SIZE:
        return Container(fault=Fault(stage="size", message=TOO_SHORT))
    count, expected = struct.unpack_from("<qq", head, 8)
    sections, cursor, wrong = _walk(head, count, expected)
    if expected != size:  # said before the table is looked at; the table is still worth reading
        wrong = "plan->header.size == blobSize"
    return Container(
        expected_size=expected,
        version=tuple(head[24:28]),
        sections=sections,
        end=-(-cursor // ALIGNMENT) * ALIGNMENT,
        fault=_asserted(wrong) if wrong else None,
    )


def end_fault(marker: bytes) -> Fault | None:
    """What is wrong with the four bytes found where the end marker must stand."""
    words = "*reinterpret_cast<rt::PlanFooter const*>(memory + cursor) == rt::kEND_OF_PLAN_MARKER"
    return None if marker == END else _asserted(words)


def no_engine_fault() -> Fault:
    """No section is an engine."""
    return Fault(stage="container", message="Engine not found in plan.")


def _walk(head: bytes, count: int, size: int) -> tuple[tuple[Section, ...], int, str]:
    """The table as TensorRT walks it, in signed 64-bit numbers: the sections, where they end, what is wrong."""
    found: list[Section] = []
    cursor = _signed(HEADER_SIZE + count * ENTRY_SIZE)
    if cursor >= size:
        return (), cursor, "cursor < blobSize"
    while len(found) < count % (1 << 64):
        at = HEADER_SIZE + len(found) * ENTRY_SIZE
        if at + ENTRY_SIZE > len(head):
            return tuple(found), cursor, "cursor < blobSize"
        tag, offset, length = struct.unpack_from("<4s4xqq", head, at)
        if wrong := _wrong(cursor, offset, length, size):
            return tuple(found), cursor, wrong
        cursor = offset + length
        found.append(Section(tag=tag.decode("latin-1"), offset=offset, size=length))
    return tuple(found), cursor, ""


def _wrong(cursor: int, offset: int, length: int, size: int) -> str:
    rules = (
        (offset >= cursor, "e.offset >= cursor"),
        (offset % ALIGNMENT == 0, "e.offset % rt::kPLAN_ALIGNMENT == 0"),
        (length >= 0, "e.size >= 0"),
        (offset + length < size, "cursor < blobSize"),
    )
    return next((words for holds, words in rules if not holds), "")


def parse_archive(data: bytes, size: int) -> Archive:
    """The archive that begins with `data` and has `size` bytes.

    Three headers are known: magic, u32 safe version 0, u32 version, u32 unused, u64 size (8.0 to 10.3); magic, u32
    version, u64 size, u32 0 (from 10.6); magic, u32 safe version, u32 version, u64 size, u32 unused (7.x).
    """
    if data[:4] != ARCHIVE:
        return Archive(fault=Fault(stage="magic", message=NO_MAGIC))
    if len(data) < 24:
        return Archive(fault=Fault(stage="archive", message=PAST_THE_END))
    first, second = struct.unpack_from("<II", data, 4)
    if data[24:28] == VALUE_BEFORE_8:
        return _sized(Archive(safe_version=first, serialization=second, values=24), size, data[12:20])
    if first and data[20:24] == VALUE:
        return _sized(Archive(serialization=first, values=20), size, data[8:16])
    fault = Fault(stage="archive", message=version_tag("safeVersionRead == safeSerializationVersion", 0, first))
    return _sized(Archive(serialization=second, values=24, fault=fault if first else None), size, data[16:24])


def version_tag(condition: str, current: int, stored: int) -> str:
    """TensorRT's words for an archive of another version."""
    words = f"Serialization assertion {condition} failed.Version tag does not match."
    return f"{words} Note: Current Version: {current}, Serialized Engine Version: {stored}"


def _sized(archive: Archive, size: int, said: bytes) -> Archive:
    """The archive with the size its header claims, which counts what follows the header."""
    expected = int.from_bytes(said, "little") + archive.values
    wrong = None if expected == size else Fault(stage="archive", message=BAD_SIZE)
    return replace(archive, expected_size=expected, fault=archive.fault or wrong)


def _signed(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _asserted(words: str) -> Fault:
    return Fault(stage="container", message=f"Serialization assertion {words} failed.")
