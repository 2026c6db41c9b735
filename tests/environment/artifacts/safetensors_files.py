"""Writes small safetensors files for the tests."""

from __future__ import annotations

import json
import struct
from pathlib import Path


def header(**tensors: object) -> bytes:
    return json.dumps(tensors).encode()


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def write(path: Path, text: bytes | None = None, *, data: int = 12) -> Path:
    """A file with the header `text` (of one 2 x 3 F16 tensor if None) and `data` zero bytes."""
    text = header(weight=entry("F16", [2, 3], 0, 12)) if text is None else text
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    return path
