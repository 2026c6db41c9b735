"""What the readings of a checkout say: which commits it holds, and which of its libraries are pointers only. Pure."""

from __future__ import annotations

from doctor.facts.readings import Readings, reading, record, text
from environment.data import Value
from environment.unknown import Unknown, then


class Source(Value, frozen=True, kw_only=True):
    """A checkout of tensorrtllm_backend. `there` is the submodule's commit, None when it was never fetched; `changed`
    are its own files that are not as git left them.
    """

    head: str | Unknown
    pinned: str | Unknown
    there: str | Unknown | None
    pointers: tuple[str, ...] | Unknown
    changed: tuple[str, ...] | Unknown = ()


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
        changed=record(readings, "source/changed", tuple[str, ...]) if "source/changed" in readings else (),
    )
