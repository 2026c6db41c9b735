"""Not knowing is an answer: the fact that could not be had, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """Stands where a fact would stand. A check that meets one answers `unknown` with this reason, never `pass`."""

    reason: str
