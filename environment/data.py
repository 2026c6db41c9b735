"""Data files become frozen values here, strictly: an unknown, missing or mistyped field is an error that names it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from environment.errors import Trouble

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value read from a file: frozen, named fields only, and nothing it does not know."""


def read_toml(path: Path, kind: type[T]) -> T:
    """The file at `path` as a value of `kind`; raises Trouble naming the file and the field that is off."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except OSError as error:
        raise Trouble(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Trouble(f"{path.name} is not a valid {kind.__name__}: {error}", where=str(path)) from error


def read_json(path: Path, kind: type[T]) -> T:
    """As `read_toml`, for JSON."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise Trouble(f"cannot read {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise Trouble(f"{path.name} is not a valid {kind.__name__}: {error}", where=str(path)) from error
