"""Reads the header of a safetensors file: which tensors it holds, where, and whether the file is whole.

Format: huggingface/safetensors, README.md ("Format") and safetensors/src/tensor.rs: a little-endian u64 N, N bytes of
JSON, then the data, which the tensors cover without holes to the last byte of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from environment.artifacts.heads import Damaged, is_lfs_pointer, read
from environment.data import Value
from environment.unknown import Unknown

HEADER_LIMIT = 100_000_000  # bytes: MAX_HEADER_SIZE in tensor.rs
COLON_LIMIT = 2_000_000  # four of each tensor: no more memory than some 500 MB, however hostile the header
BITS: Mapping[str, int] = MappingProxyType(
    {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
    | dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8)
    | dict.fromkeys(("U16", "I16", "F16", "BF16"), 16)
    | dict.fromkeys(("U32", "I32", "F32"), 32)
    | dict.fromkeys(("U64", "I64", "F64", "C64"), 64)
)


class Tensor(Value, frozen=True, kw_only=True):
    """One tensor: its safetensors dtype, its shape, and its bytes in the file, from `start` to before `end`."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Safetensors(Value, frozen=True, kw_only=True, tag=True):
    """The header of one file. Sizes are in bytes, of the whole file."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    file_size: int
    expected_size: int

    @property
    def complete(self) -> bool:
        """Whether the file has exactly the bytes its header promises."""
        return self.file_size == self.expected_size


Count = Annotated[int, msgspec.Meta(ge=0)]


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[Count, ...]
    data_offsets: tuple[Count, Count]


def read_safetensors(path: Path) -> Safetensors | Damaged | Unknown:
    """The header of the file at `path`; reads 8 + N bytes, never the data."""
    length = _header_length(path)
    if not isinstance(length, int):
        return length
    head = read(path, length, 8)
    if isinstance(head, Unknown):
        return head
    if len(head.data) < length:
        return Damaged(f"{path.name} ends inside its header: {head.file_size} of at least {8 + length} bytes")
    return parse_header(head.data, file_size=head.file_size, name=path.name)


def _header_length(path: Path) -> int | Damaged | Unknown:
    head = read(path, 64)
    if isinstance(head, Unknown):
        return head
    if is_lfs_pointer(head):
        return Damaged(f"{path.name} is a git-lfs pointer, not the file itself")
    if len(head.data) < 8:
        return Damaged(f"{path.name} has {head.file_size} bytes; the shortest header has 8")
    (length,) = struct.unpack_from("<Q", head.data)
    if length > HEADER_LIMIT or head.data[8:9] not in (b"{", b""):
        return Damaged(f"{path.name} does not begin with a safetensors header")
    return int(length)


def parse_header(header: bytes, *, file_size: int, name: str) -> Safetensors | Damaged | Unknown:
    """The header of a file of `file_size` bytes; `name` is only for the words of what is broken."""
    if header.count(b":") > COLON_LIMIT:
        return Unknown(f"{name} has a header of more than {COLON_LIMIT // 4} tensors, which is not read")
    try:
        raw = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(raw.pop("__metadata__", msgspec.Raw(b"{}")), type=dict[str, str])
        entries = {key: msgspec.json.decode(value, type=_Entry) for key, value in raw.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Damaged(f"{name} has a header that is not what safetensors writes: {error}")
    fault = _fault(entries)
    if fault:
        return Damaged(f"{name}: {fault}")
    first = 8 + len(header)
    tensors = {key: _placed(entry, first) for key, entry in entries.items()}
    end = max((tensor.end for tensor in tensors.values()), default=first)
    return Safetensors(
        tensors=tensors,
        metadata=metadata,
        file_size=file_size,
        expected_size=end,
    )


def _placed(entry: _Entry, first: int) -> Tensor:
    start, end = entry.data_offsets
    return Tensor(dtype=entry.dtype, shape=entry.shape, start=first + start, end=first + end)


def _bits(entry: _Entry) -> int:
    """The size of the tensor in bits; -1 past 2^64 elements, where safetensors too refuses."""
    elements = 1
    for length in entry.shape:
        elements *= length
        if elements >= 1 << 64:
            return -1
    return elements * BITS[entry.dtype]


def _fault(entries: Mapping[str, _Entry]) -> str:
    """What safetensors itself would refuse: a hole, an overlap, a size that does not follow from dtype and shape."""
    at = 0
    for key, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        start, end = entry.data_offsets
        if start != at or end < start:
            return f"tensor {key[:80]!r} begins at {start}, expected {at}"
        if entry.dtype in BITS and _bits(entry) != (end - start) * 8:
            return f"tensor {key[:80]!r} ({entry.dtype} {list(entry.shape[:8])}) has {end - start} bytes"
        at = end
    return ""
