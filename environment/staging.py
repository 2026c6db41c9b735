"""Finished means whole: a file or folder is made beside its place, flushed, and renamed into it.

A kill at any moment leaves the old one or the new one, and at worst a `.staged-*` beside it that nobody reads.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Writes the file at `path` so that no reader ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".staged-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, renamed to `path` when the block ends well and removed when it does not.

    A folder that is at `path` already gives way; where another process was faster, its folder (the same by then) stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".staged-", dir=path.parent))
    try:
        stage.chmod(0o755)  # mkdtemp's folders are for their owner alone; a container may run as somebody else
        yield stage
        flush(stage)
        if path.exists():
            path.rename(stage.with_name(f"{stage.name}-old"))
        stage.rename(path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        shutil.rmtree(stage.with_name(f"{stage.name}-old"), ignore_errors=True)


def flush(whole: Path) -> None:
    """Hands a file, or every file of a folder, to the disk."""
    for path in (whole, *whole.rglob("*")):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
