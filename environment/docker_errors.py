"""Explains what a Docker Engine, its command line or its Python library said, by text. Pure."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from environment.data import Record, read_toml
from environment.errors import Trouble

ERRORS = Path(__file__).with_name("docker_errors.toml")


class DockerError(Record, frozen=True, kw_only=True):
    """One known error: a stable id, the pattern that tells it, its meaning, and what mends it."""

    id: str
    pattern: str
    what: str
    mend: str
    source: str


class DockerErrors(Record, frozen=True, kw_only=True):
    """The file."""

    error: tuple[DockerError, ...]


class DockerTrouble(Trouble):
    """A Docker Engine or registry said no. `id` is a row of docker_errors.toml, or "" for words nobody has met yet."""

    def __init__(self, what: str, *, id: str = "", where: str = "", why: str = "", mend: str = "") -> None:  # noqa: A002
        super().__init__(what, where=where, why=why, mend=mend)
        self.id = id


@cache
def known() -> tuple[DockerError, ...]:
    """The known errors, in the order in which they are tried."""
    return read_toml(ERRORS, DockerErrors).error


def recognise(text: str) -> DockerError | None:
    """The first known error whose pattern is in `text`."""
    return next((error for error in known() if re.search(error.pattern, text, re.IGNORECASE)), None)


def named(identity: str) -> DockerError:
    """The known error of that id."""
    return next(error for error in known() if error.id == identity)


def explain(text: str, doing: str, *, where: str = "") -> DockerTrouble:
    """The trouble that `text` tells of while `doing` something, such as "pulling nvcr.io/..."."""
    error = recognise(text)
    if error is None:
        return DockerTrouble(f"{doing} failed", where=where, why=text.strip())
    return DockerTrouble(f"{doing}: {error.what}", id=error.id, where=where, why=text.strip(), mend=error.mend)
