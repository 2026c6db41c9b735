"""What this project's TOML files hold, kept as JSON where Python keeps the bytecode of its sources: read in no time.

As with bytecode, what is kept belongs to one time and size of the file, and a folder that cannot be written is left
alone. Files of other people are read as they are: nothing is put beside them. `python -m environment.kept` keeps all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from environment.workspace import PROJECT

FLOORS = ("environment", "doctor", "recipes")


def allowed() -> bool:
    """Whether whoever started Python lets it write bytecode; Invoke forbids it to itself in every run without `-w`."""
    return not sys.flags.dont_write_bytecode


def parsed(path: Path) -> dict[str, Any]:
    """The file as TOML has it; raises OSError and ValueError."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(path.read_text(encoding="utf-8"))


def kept(path: Path) -> bytes | None:
    """The file's value as JSON; None when it was not kept, or the file is another by now."""
    with suppress(OSError):
        stamp, _, value = _place(path).read_bytes().partition(b"\n")
        return value if stamp == _stamp(path) else None
    return None


def keep(path: Path, value: Mapping[str, object]) -> None:
    """Keeps the value of a file of this project, if JSON can say all of it (dates it cannot) and the disk takes it."""
    said = msgspec.json.encode(value)
    if PROJECT not in path.parents or msgspec.json.decode(said) != value:
        return
    with suppress(OSError):
        put(_place(path), _stamp(path) + b"\n" + said)


def put(place: Path, content: bytes) -> None:
    """Writes a file beside Python's bytecode, whole or not at all; raises OSError where the disk does not take it."""
    place.parent.mkdir(exist_ok=True)
    # Not staging.write_whole: it can be made again, every user of the checkout reads it, and tempfile imports slowly.
    staged = place.with_name(f"{place.name}.{os.getpid()}")
    staged.write_bytes(content)
    staged.replace(place)


def keep_all() -> None:
    """Keeps every file of the project, for where Python is told not to write as it goes (PYTHONDONTWRITEBYTECODE)."""
    for floor in FLOORS:
        for path in (PROJECT / floor).rglob("*.toml"):
            keep(path, parsed(path))


def _place(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.name}.json"


def _stamp(path: Path) -> bytes:
    about = path.stat()
    return f"{about.st_mtime_ns} {about.st_size}".encode()


if __name__ == "__main__":
    keep_all()
