"""Not knowing is an answer: the fact that could not be had, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from environment.data import Value

T = TypeVar("T")
R = TypeVar("R")


class Unknown(Value, frozen=True, tag=True):
    """Stands where a fact would stand. A check that meets one answers `unknown` with this reason, never `pass`."""

    reason: str


def then(fact: T | Unknown, use: Callable[[T], R | Unknown]) -> R | Unknown:
    """What `use` makes of the fact; what is unknown stays unknown, for the same reason."""
    return fact if isinstance(fact, Unknown) else use(fact)
