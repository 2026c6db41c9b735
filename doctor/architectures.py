"""Since which release an architecture can be converted, and which tokenizers live outside transformers. Data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from environment.data import Record, read_toml


class Architectures(Record, frozen=True, kw_only=True):
    """Some Hugging Face architectures and the release that first converts them."""

    names: tuple[str, ...]
    since: str
    source: str


class RemoteTokenizers(Record, frozen=True, kw_only=True):
    """Tokenizer classes that come with their checkpoints."""

    names: tuple[str, ...]
    source: str


class _File(Record, frozen=True, kw_only=True):
    architecture: tuple[Architectures, ...]
    remote_tokenizers: RemoteTokenizers


@cache
def _file() -> _File:
    return read_toml(Path(__file__).with_suffix(".toml"), _File)


def since(architecture: str) -> str | None:
    """The first release that converts it; None for one nobody looked up."""
    return next((row.since for row in _file().architecture if architecture in row.names), None)


def remote_tokenizers() -> tuple[str, ...]:
    """Tokenizer classes that were never part of transformers."""
    return _file().remote_tokenizers.names
