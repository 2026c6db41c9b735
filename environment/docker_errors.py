"""Explains what a Docker Engine, its command line or its Python library said, by text. Pure."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from environment.data import Record, read_toml
from environment.errors import Trouble, printable
from environment.images.reference import NVIDIA

ERRORS = Path(__file__).with_name("docker_errors.toml")


class DockerError(Record, frozen=True, kw_only=True):
    """One known error: a stable id, the pattern that tells it, its meaning, and what mends it.

    `elsewhere` mends it at another registry than NVIDIA's, which stands there as {registry}.
    """

    id: str
    pattern: str
    what: str
    mend: str
    source: str
    elsewhere: str = ""

    def mended(self, registry: str) -> str:
        """What mends it when `registry` was asked; "" for none, or one that is not known."""
        if self.elsewhere and registry not in {"", NVIDIA}:
            return self.elsewhere.format(registry=registry)
        return self.mend


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


def explain(text: str, doing: str, *, where: str = "", registry: str = "") -> DockerTrouble:
    """The trouble that `text` tells of while `doing` something, such as "pulling nvcr.io/...", from `registry`."""
    error, said = recognise(text), printable(text.strip())
    if error is None:
        return DockerTrouble(f"{doing} failed", where=where, why=said)
    what, mend = f"{doing}: {error.what}", error.mended(registry)
    return DockerTrouble(what, id=error.id, where=where, why=said, mend=mend)
