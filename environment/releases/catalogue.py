"""Which releases there are, and how one is found. Adding a release is adding a file to this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from environment.data import Record, read_toml
from environment.errors import unknown_name
from environment.releases.ngc import Container
from environment.releases.release import Release
from environment.releases.sourced import Sources, Text

FOLDER = Path(__file__).parent
DEFAULT_TAG = "v0.10.0"


class Rule(Record, frozen=True, kw_only=True):
    """Something true of several releases, with where it was read."""

    id: Text
    statement: Text
    source: Sources
    verified: bool


class _Rules(Record, frozen=True, kw_only=True):
    rules: tuple[Rule, ...]


class _Containers(Record, frozen=True, kw_only=True):
    containers: tuple[Container, ...]


@cache
def tags() -> tuple[str, ...]:
    """Every known tag, oldest first. Reads file names only."""
    return tuple(sorted((path.stem for path in FOLDER.glob("v*.toml")), key=_numbers))


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(map(int, tag.removeprefix("v").split(".")))


def named_tag(name: str) -> str:
    """The tag of a name (`v0.10.0` or `0.10.0`); raises Usage naming the nearest for one that is not known."""
    tag = "v" + name.strip().removeprefix("v")
    if tag not in tags():
        meant = tag if tag[1:2].isdigit() else name  # `main` was never a tag
        raise unknown_name("release", meant, tags(), mend="invoke releases   lists them")
    return tag


@cache
def find(tag: str) -> Release:
    """The release of a tag, written as `named_tag` takes it."""
    return read_toml(FOLDER / f"{named_tag(tag)}.toml", Release)


def every() -> tuple[Release, ...]:
    """All releases, oldest first."""
    return tuple(find(tag) for tag in tags())


@cache
def rules() -> tuple[Rule, ...]:
    """What holds across releases."""
    return read_toml(FOLDER / "rules.toml", _Rules).rules


@cache
def stray_containers() -> tuple[Container, ...]:
    """NVIDIA's trtllm containers that hold no release: avoid them, or know exactly why not."""
    return read_toml(FOLDER / "stray_containers.toml", _Containers).containers
