"""Back-pressure: so many answers at once, so many more in line, and a clear no to the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from environment.errors import Usage


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`body` in bytes, `seconds` for one answer, answers `at_once` on Triton, and requests `waiting` for their turn."""

    body: int = 1 << 20
    seconds: float = 600.0
    at_once: int = 64
    waiting: int = 256

    def __post_init__(self) -> None:
        if min(self.body, self.seconds, self.at_once) <= 0 or self.waiting < 0:
            what = f"--body {self.body}, --seconds {self.seconds:g}, --at-once {self.at_once}, --waiting {self.waiting}"
            raise Usage(f"{what}: nothing would be answered", mend="leave out, or raise, what is 0 or less")


class Busy(Exception):
    """Too many are waiting already."""


class Line:
    """Admits requests in the order they came."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.at_once)
        self.answering = 0
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Holds one of the places, after waiting for it; raises Busy when the line is full."""
        if self._places.locked() and self.waiting >= self._limits.waiting:
            raise Busy
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        self.answering += 1
        try:
            yield
        finally:
            self.answering -= 1
            self._places.release()
