"""Data files become frozen values here, strictly: an unknown, missing or mistyped field is an error that names it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from environment import kept
from environment.errors import Trouble, unusable

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value with named fields that does not change, as a frozen dataclass is, and can be written to a file and back.

    The doctor starts with sixty such classes. To make a dataclass takes 0.4 ms, which was more than its slowest probe.
    """


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value read from a file: frozen, named fields only, and nothing it does not know."""


def read_toml(path: Path, kind: type[T]) -> T:
    """The file at `path` as a value of `kind`; raises Trouble naming the file and the field that is off."""
    with suppress(msgspec.MsgspecError):
        if (said := kept.kept(path)) is not None:
            return msgspec.json.decode(said, type=kind)
    try:
        value = kept.parsed(path)
        found = msgspec.convert(value, kind)
    except OSError as error:
        raise unusable(error, path) from error
    except (ValueError, msgspec.ValidationError) as error:  # TOML's and UTF-8's errors are ValueErrors
        raise _invalid(error, path, kind) from error
    if kept.allowed():
        kept.keep(path, value)
    return found


def read_json(path: Path, kind: type[T]) -> T:
    """As `read_toml`, for JSON."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise unusable(error, path) from error
    except msgspec.MsgspecError as error:
        raise _invalid(error, path, kind) from error


def _invalid(error: Exception, path: Path, kind: type[object]) -> Trouble:
    mend = "mend the field that it names; in a checkout `git diff` shows what was changed"
    return Trouble(f"{path.name} is not a valid {kind.__name__}: {error}", where=str(path), mend=mend)
