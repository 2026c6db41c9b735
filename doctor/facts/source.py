"""What the readings of a checkout say: which commits it holds, and which of its libraries are pointers only. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.facts.readings import Readings, reading, record, text
from environment.unknown import Unknown, then


@dataclass(frozen=True, kw_only=True)
class Source:
    """A checkout of tensorrtllm_backend. `there` is the submodule's commit, None when it was never fetched."""

    head: str | Unknown
    pinned: str | Unknown
    there: str | Unknown | None
    pointers: tuple[str, ...] | Unknown


def parse(readings: Readings) -> Source | None:
    """The checkout that was named; None when none was."""
    if "source/head" not in readings:
        return None
    never = reading(readings, "source/there").status == "absent"
    return Source(
        head=then(text(readings, "source/head"), str.strip),
        pinned=then(text(readings, "source/pinned"), str.strip),
        there=None if never else then(text(readings, "source/there"), str.strip),
        pointers=record(readings, "source/pointers", tuple[str, ...]),
    )
