"""Raw readings: what each source said, word for word, before anyone makes sense of it. Bundles hold these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from environment.data import Record
from environment.unknown import Unknown

T = TypeVar("T")
Status = Literal["read", "absent", "refused", "failed", "timeout"]


class Reading(Record, frozen=True, kw_only=True):
    """What one source said, or how it stayed silent.

    `absent` means it is certainly not there (no such file or program); `refused`, `failed` and `timeout` leave the
    question open. A command that failed keeps its standard output in `text` and its standard error in `reason`.
    """

    status: Status = "read"
    text: str = ""
    reason: str = ""


class Said(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A value a probe wrote: one of another version may have said more, which is passed over."""


Readings = Mapping[str, Reading]
SILENT = Reading(status="failed", reason="it was not captured")


def reading(readings: Readings, name: str) -> Reading:
    """The reading of that name; one that says so when nobody took it."""
    return readings.get(name, SILENT)


def text(readings: Readings, name: str) -> str | Unknown:
    """The words of a reading, or why there are none."""
    taken = reading(readings, name)
    return taken.text if taken.status == "read" else Unknown(why(name, taken))


def why(name: str, taken: Reading) -> str:
    """Why a reading has no words, for a person."""
    verb = {"absent": "is not there", "refused": "may not be read", "timeout": "did not answer in time"}
    tail = f": {taken.reason}" if taken.reason else ""
    return f"{name} {verb.get(taken.status, 'could not be read')}{tail}"


def record(readings: Readings, name: str, kind: type[T]) -> T | Unknown:
    """A reading that is JSON, as a value of `kind`; Unknown when it is silent or something else."""
    words = text(readings, name)
    if isinstance(words, Unknown):
        return words
    try:
        return msgspec.json.decode(words, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Unknown(f"{name} is not what it should be: {error}")
