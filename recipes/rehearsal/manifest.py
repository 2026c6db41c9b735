"""What stands in the engine folder of a rehearsal, in place of a TensorRT engine: which checkpoint, which CPU model."""

from __future__ import annotations

from environment.data import Record

MANIFEST = "rehearsal.json"


class Manifest(Record, frozen=True, kw_only=True):
    """`model` is the CTranslate2 folder made from `checkpoint` (from here, or absolute); `threads` 0: all there are."""

    checkpoint: str
    model: str
    vocabulary: int
    positions: int
    threads: int = 0
