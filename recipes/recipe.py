"""What a recipe is: one small data file per model. Adding a model of a known family is adding a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from environment.data import Record, read_toml
from environment.errors import unknown_name

MODELS = Path(__file__).parent / "models"
Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
Sources = Annotated[tuple[Text, ...], Meta(min_length=1)]


class Checkpoint(Record, frozen=True, kw_only=True):
    """Where the Hugging Face checkpoint comes from: hub id and the commit it is pinned to."""

    hub: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    revision: Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$|^main$")]
    architecture: Text
    remote_code: bool = False
    source: Sources


class Shape(Record, frozen=True, kw_only=True):
    """What of the checkpoint's `config.json` decides how it can be split and how long a request may be."""

    attention_heads: Count
    key_value_heads: Count
    layers: Count
    max_positions: Count
    source: Sources


class Limits(Record, frozen=True, kw_only=True):
    """What the engine is built for: requests at once, tokens in, tokens out."""

    max_batch_size: Count
    max_input_len: Count
    max_output_len: Count
    source: Sources


class Question(Record, frozen=True, kw_only=True):
    """The smoke question, and a word its answer is expected to hold."""

    text: Text
    expected: Text
    source: Sources


class Since(Record, frozen=True, kw_only=True):
    """The first release whose tools know the model, and why it is the first."""

    release: Text
    because: Text
    source: Sources


class Recipe(Record, frozen=True, kw_only=True):
    """A model and how it is built and served. `family` is a key of a release's model families."""

    title: Text
    family: Text
    dtype: Text
    since: Since
    checkpoint: Checkpoint
    shape: Shape
    limits: Limits
    question: Question


def names() -> tuple[str, ...]:
    """The names of all recipes, sorted."""
    return tuple(sorted(path.stem for path in MODELS.glob("*.toml")))


def find(name: str) -> Recipe:
    """The recipe of that name; raises Usage naming the nearest one for an unknown name."""
    if name not in names():
        raise unknown_name("recipe", name, names(), mend="invoke recipes")
    return read_toml(MODELS / f"{name}.toml", Recipe)
