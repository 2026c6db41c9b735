"""The end of the last server's log. Pure."""

from __future__ import annotations

from doctor.facts.readings import Readings, Said, reading, record
from environment.unknown import Unknown


class RunLog(Said, frozen=True, kw_only=True):
    """The server's name, and the end of its log; `text` is empty when no word in it tells of trouble."""

    name: str
    text: str


def parse(readings: Readings) -> RunLog | Unknown | None:
    """The log; None when no server has run here of late, or nobody looked."""
    absent = "run/log" not in readings or reading(readings, "run/log").status == "absent"
    return None if absent else record(readings, "run/log", RunLog)
