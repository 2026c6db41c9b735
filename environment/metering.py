"""How much memory a step takes at its most: whoever runs it reads it now and then, while somebody wants to know."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

FIRST, LATER = 0.02, 1.0  # seconds between two readings: at the start, and at most
PROC = Path("/proc")
SESSION, RESIDENT = 3, 21  # fields of /proc/PID/stat behind the command's name (proc(5): 6 and 24)
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
Read = Callable[[], int | None]


class Meter:
    """The largest reading in bytes; None until there is one."""

    def __init__(self) -> None:
        self.peak: int | None = None

    def note(self, reading: int | None) -> None:
        """Takes a reading; one that could not be had is None."""
        if reading is not None:
            self.peak = max(reading, self.peak or 0)


CURRENT: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """A meter for what is run inside."""
    meter = Meter()
    token = CURRENT.set(meter)
    try:
        yield meter
    finally:
        CURRENT.reset(token)


@contextmanager
def watched(read: Read) -> Iterator[None]:
    """Reads while inside, for the meter of the step under way; does nothing when there is none."""
    meter, over = CURRENT.get(), threading.Event()
    if meter is None:
        yield
        return
    reader = threading.Thread(target=_keep_reading, args=(read, meter, over), daemon=True)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


def _keep_reading(read: Read, meter: Meter, over: threading.Event) -> None:
    wait = FIRST
    while not over.wait(wait):
        meter.note(read())
        wait = min(wait * 2, LATER)


def resident(session: int) -> int | None:
    """The resident memory in bytes of every process of a session; shared pages count once for each."""
    pages = [_pages(path, session) for path in PROC.glob("[0-9]*/stat")]
    found = [each for each in pages if each is not None]
    return sum(found) * PAGE if found else None


def _pages(stat: Path, session: int) -> int | None:
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return None
    return int(fields[RESIDENT]) if int(fields[SESSION]) == session else None
