"""A host in a file: the readings of one machine, to be judged on another.

One JSON document and nothing else: there are no links, no paths and nothing to unpack. It is read as if an enemy had
written it: limits on everything, known fields only, no control characters left for a terminal to obey.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading
from environment.data import Record
from environment.errors import Usage, unusable

LARGEST = 32 << 20  # bytes; a real one has less than one million
MOST_READINGS = 256
WRITES_ONE = "invoke doctor --save FILE   writes one"
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]*([/.][a-z0-9_-]+)*$", max_length=100)]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Bundle(Record, frozen=True, kw_only=True):
    """The file: readings by name."""

    schema: Literal["bundle/1"]
    readings: Annotated[dict[Name, Reading], msgspec.Meta(max_length=MOST_READINGS)]


def save(readings: Mapping[str, Reading], file: Path) -> None:
    """Writes the readings to a file that only its owner can read; raises Trouble when that cannot be done."""
    document = msgspec.json.format(msgspec.json.encode(Bundle(schema="bundle/1", readings=dict(readings))), indent=1)
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(document)
        staged.replace(file)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise unusable(error, file, "write") from error


def load(file: Path) -> dict[str, Reading]:
    """The readings of a bundle; raises Usage for a file that is not one."""
    try:
        bundle = msgspec.json.decode(_bytes(file), type=Bundle)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Usage(f"{file} is not a bundle: {error}", mend=WRITES_ONE) from error
    return {name: _tame(taken) for name, taken in bundle.readings.items()}


def _bytes(file: Path) -> bytes:
    """The bytes of a regular file of reasonable size; a pipe or device would never end."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
                raise Usage(f"{file} is not a bundle: it is no file of at most {LARGEST >> 20} MiB", mend=WRITES_ONE)
            return opened.read(LARGEST)
    except OSError as error:
        raise unusable(error, file, kind=Usage) from error


def _tame(taken: Reading) -> Reading:
    """Without characters that command a terminal or turn the direction of writing."""
    return replace(taken, text=CONTROLS.sub("\ufffd", taken.text), reason=CONTROLS.sub("\ufffd", taken.reason))
