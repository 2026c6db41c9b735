"""Compiled patterns, kept where Python keeps bytecode: to compile them takes seconds, to read them nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from environment.kept import allowed, put

FOLDER = Path(__file__).parent / "__pycache__"


def kept(name: str) -> bytes | None:
    """What was kept under this name, `KIND-HASH`, which says all that it was made of; None when nothing was."""
    with suppress(OSError):
        return _place(name).read_bytes()
    return None


def keep(name: str, said: bytes) -> None:
    """Keeps it in place of what was kept of its kind before, if the disk takes it and Python may write bytecode."""
    if not allowed():
        return
    before = set(FOLDER.glob(f"{name.partition('-')[0]}-*.hs"))
    with suppress(OSError):
        put(_place(name), said)
        for old in before - {_place(name)}:
            old.unlink(missing_ok=True)


def _place(name: str) -> Path:
    return FOLDER / f"{name}.hs"
