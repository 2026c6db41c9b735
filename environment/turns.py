"""One at a time: two processes that would write into the same place take turns."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment.console import say


@contextmanager
def alone(lock: Path, doing: str) -> Iterator[None]:
    """While inside, no other process is inside with the same file; a second one says that it waits, and waits.

    The lock goes with its process, however that ends.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        hold(file.fileno(), doing)
        yield


def idle(lock: Path) -> bool:
    """Whether no process is inside with the file now."""
    if not lock.exists():
        return True
    with lock.open() as file:
        return take(file.fileno())


def hold(handle: int, doing: str) -> None:
    """Locks what is open there, a file or a folder, until it is closed; says so when it has to wait."""
    if not take(handle):
        say(f"another process is {doing}: waiting for it")
        fcntl.flock(handle, fcntl.LOCK_EX)


def take(handle: int) -> bool:
    """Locks what is open there until it is closed, unless another process has it: whether it did."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
