"""Whether a hub hands out the checkpoint. Pure."""

from __future__ import annotations

from doctor.facts.readings import Readings, Said, record
from environment.unknown import Unknown


class Hub(Said, frozen=True, kw_only=True):
    """The HTTP status that `host` answered with for `repository`; `token`: whether we had one to show."""

    repository: str
    host: str
    status: int
    token: bool


def parse(readings: Readings) -> Hub | Unknown | None:
    """The hub's answer; None when it was not asked."""
    return record(readings, "hub", Hub) if "hub" in readings else None
