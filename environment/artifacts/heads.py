"""The one place where artifacts are read: a few bytes at an offset, of regular files only, within limits.

Nothing read here is executed or unpickled. Symbolic links are followed, because a Hugging Face cache is made of them;
FIFOs, devices, sockets and folders are never opened.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from environment.data import Value
from environment.unknown import Unknown

JSON_LIMIT = 16 << 20  # bytes; the largest index and config files of public checkpoints stay below 1 MB
ENTRY_LIMIT = 10_000  # files of one folder
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
LFS_POINTER_LIMIT = 1024  # bytes: git-lfs, docs/spec.md: "Pointer files must be less than 1024 bytes"

Json = Mapping[str, object]


class Damaged(Value, frozen=True, tag=True):
    """What the bytes themselves show to be broken, as opposed to `Unknown`, which is what could not be seen."""

    reason: str


class Head(Value, frozen=True, kw_only=True):
    """Bytes of a file from some offset on, and the size of the whole file in bytes."""

    data: bytes
    file_size: int


def read(path: Path, size: int, offset: int = 0) -> Head | Unknown:
    """Up to `size` bytes of the regular file at `path`, from `offset` on."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a plain stat, before anything is opened
            return Unknown(f"{path.name} is not a regular file")
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return Head(data=os.pread(handle, size, offset), file_size=os.fstat(handle).st_size)
        finally:
            os.close(handle)
    except (OSError, ValueError, OverflowError) as error:
        return Unknown(f"cannot read {path.name}: {getattr(error, 'strerror', None) or error}")


def read_json(path: Path, limit: int = JSON_LIMIT) -> Json | Unknown | Damaged:
    """The JSON object in the file at `path`, if it is no larger than `limit` bytes."""
    head = read(path, limit + 1)
    if isinstance(head, Unknown):
        return head
    if head.file_size > limit:
        return Unknown(f"{path.name} has {head.file_size} bytes; at most {limit} are read")
    if is_lfs_pointer(head):
        return Damaged(f"{path.name} is a git-lfs pointer, not the file itself")
    return parse_json(head.data, path.name)


def parse_json(data: bytes, name: str) -> Json | Damaged:
    """The JSON object in `data`; nesting and long numbers end at Python's own limits, half characters are refused."""
    try:
        value = json.loads(data.decode("utf-8"))
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        return Damaged(f"{name} is not valid JSON: {error}")
    return value if isinstance(value, dict) else Damaged(f"{name} holds no JSON object")


def is_lfs_pointer(head: Head) -> bool:
    """Whether the file is what git leaves in place of a large file that `git lfs pull` has not fetched."""
    return head.file_size < LFS_POINTER_LIMIT and head.data.startswith(LFS_POINTER)


def names_in(folder: Path) -> tuple[str, ...] | Unknown:
    """The sorted names in a folder, at most `ENTRY_LIMIT` of them; names that are no UTF-8 are left out."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(ENTRY_LIMIT + 1), strict=False)]
    except (OSError, ValueError) as error:
        return Unknown(f"cannot list {folder.name or folder}: {getattr(error, 'strerror', None) or error}")
    if len(names) > ENTRY_LIMIT:
        return Unknown(f"{folder.name} holds more than {ENTRY_LIMIT} files")
    return tuple(sorted(name for name in names if name.isascii() or name == name.encode("utf-8", "replace").decode()))


def writable_by_all(folder: Path, names: tuple[str, ...]) -> tuple[str, ...] | Unknown:
    """The folder itself (".") and those of its files that every user of the host may write."""
    try:
        modes = {name: os.stat(folder / name).st_mode for name in (".", *names)}  # noqa: PTH116
    except OSError as error:
        return Unknown(f"cannot look at {error.filename}: {error.strerror}")
    return tuple(name for name, mode in modes.items() if mode & stat.S_IWOTH and not mode & stat.S_ISVTX)
