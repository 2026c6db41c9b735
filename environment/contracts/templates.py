"""The placeholders of a release's model-repository templates (`${name}` in each config.pbtxt)."""

from __future__ import annotations

from environment.data import Record
from environment.releases.sourced import Sources, Text, Words


class Placeholder(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One `${name}` of a template, and what happens when it is left unfilled.

    `required`: the model does not load, or does not work, without it; `required_when` says when, if not always.
    `parameter` is the Triton parameter it is the value of, `field` the protobuf field it stands in. `quoted`: it stands
    inside quotes, so any text is valid protobuf. `type` and `default` are those of the code that reads the parameter.
    `commented_out`: only in a comment. `verified` is false where a statement is inferred and not read in the code.
    """

    name: Text
    required: bool
    field: Text
    quoted: bool
    if_unfilled: Text
    occurrences: int = 1
    required_when: str = ""
    parameter: Text | None = None
    type: Text | None = None
    default: Text | None = None
    values: Words = ()
    commented_out: bool = False
    documented_as: Text | None = None
    verified: bool = True


class Template(Record, frozen=True, kw_only=True):
    """One model's config.pbtxt, relative to the root of the repository it was read in."""

    config: Text
    placeholders: tuple[Placeholder, ...]


class Templates(Record, frozen=True, kw_only=True):
    """The templates of `inflight_batcher_llm` of one release, by model."""

    release: Text
    source: Sources
    exact_commit: bool
    models: dict[str, Template]
