"""The values of a release's model-repository templates: exactly the placeholders it has, each with a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from environment.data import Record, read_toml
from environment.errors import Trouble
from recipes import features
from recipes.deployment import Deployment

VALUES = Path(__file__).parent / "template_values.toml"


class Placeholder(Protocol):
    """A `${name}` in a template."""

    @property
    def name(self) -> str:
        """The word between the braces."""


class TemplateValues(Record, frozen=True, kw_only=True):
    """The file `template_values.toml`: placeholder -> value, in which {names} are fields of the deployment."""

    source: tuple[str, ...]
    values: dict[str, str]


def values_for(
    deployment: Deployment, placeholders: Mapping[str, tuple[Placeholder, ...]]
) -> dict[str, dict[str, str]]:
    """Model -> placeholder -> value, for exactly the placeholders of the release's templates.

    Raises Trouble for a placeholder that has no row in `template_values.toml`.
    """
    table = {**read_toml(VALUES, TemplateValues).values, **features.settings(deployment.features)}
    return {
        model: {wanted.name: _value(wanted.name, table, deployment) for wanted in unfilled}
        for model, unfilled in placeholders.items()
    }


def _value(name: str, table: Mapping[str, str], deployment: Deployment) -> str:
    if name not in table:
        raise Trouble(
            f"the templates of {deployment.release.tag} have a placeholder that no value is known for: ${{{name}}}",
            where=str(VALUES),
            why="Triton would read the literal text",
            mend="add a row for it, with its source",
        )
    fields = ("max_batch_size", "engine_dir", "checkpoint_dir", "kv_cache_tokens", "max_seq_len", "add_special_tokens")
    return table[name].format_map({field: getattr(deployment, field) for field in fields})
