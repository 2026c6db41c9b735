"""Which contracts there are, and how one is found. A contract is a file: contracts/<release>/<tool>.json."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from environment.contracts.record import Contract
from environment.contracts.templates import Placeholder, Templates
from environment.data import read_json
from environment.errors import Trouble
from environment.releases import find

FOLDER = Path(__file__).parent
TEMPLATES = "placeholders"


@cache
def tools(tag: str) -> tuple[str, ...]:
    """The programs whose command lines are known for a release. Raises Usage for an unknown release."""
    files = (FOLDER / find(tag).tag).glob("*.json")
    return tuple(sorted(path.stem for path in files if path.stem != TEMPLATES))


@cache
def contract(tag: str, tool: str) -> Contract:
    """The command line of a program of a release; raises Trouble when there is none, naming what there is."""
    if tool not in tools(tag):
        raise _nothing_known(find(tag).tag, tool, ", ".join(tools(tag)) or "no contract of this release is known")
    return read_json(FOLDER / find(tag).tag / f"{tool}.json", Contract)


@cache
def templates(tag: str) -> Templates:
    """The model-repository templates of a release; raises Trouble when they are not known."""
    path = FOLDER / find(tag).tag / f"{TEMPLATES}.json"
    if not path.is_file():
        raise _nothing_known(find(tag).tag, "the placeholders of its templates", "of this release they were not read")
    return read_json(path, Templates)


def placeholders(tag: str) -> Mapping[str, tuple[Placeholder, ...]]:
    """The placeholders of a release's templates, by model."""
    return MappingProxyType({model: template.placeholders for model, template in templates(tag).models.items()})


class Unread(Trouble):
    """Of a release, what was asked for was not read yet; of another one it may have been."""


def _nothing_known(release: str, what: str, known: str) -> Unread:
    return Unread(
        f"nothing is known of {what} in {release}",
        why=f"known: {known}",
        mend=f"invoke contract --release {release} --source DIR   reads it from a source tree",
    )
