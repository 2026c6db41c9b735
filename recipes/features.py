"""What can be switched on when an engine is built, and how each release says it (`features.toml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import field

from environment.contracts import Contract
from environment.data import Record, read_toml
from environment.errors import Usage, unknown_name
from environment.releases.runtime import Gpu
from recipes.recipe import Sources, Spellings, Text
from recipes.spelling import NotInRelease, Words, knows, spelled

FILE = Path(__file__).parent / "features.toml"
POSITIVE = re.compile(r"[1-9][0-9]{0,8}")


class Feature(Record, frozen=True, kw_only=True):
    """One switch of the engine's build; `settings` are template values of releases that switch it in the server."""

    title: Text
    group: str = ""
    default: bool = False
    value: bool = False
    power_of_two: bool = False
    minimum_sm: Literal["", "fp8_context_fmha_min_sm"] = ""
    needs_quantization: str = ""
    spellings: Spellings
    settings: dict[str, str] = field(default_factory=dict)


class Features(Record, frozen=True, kw_only=True):
    """The file `features.toml`."""

    source: Sources
    features: dict[str, Feature]


@cache
def table() -> Mapping[str, Feature]:
    """Every feature by name."""
    return read_toml(FILE, Features).features


def chosen(said: Iterable[str]) -> dict[str, str]:
    """The features that are on, with their values, from words such as `fmha-fp32-acc` and `tokens-per-block=128`.

    Raises Usage for an unknown feature, two of one group, and a value that is missing or one too many.
    """
    pairs = [_read(word) for word in said]
    asked = dict(pairs)
    for name, value in pairs:
        if value != asked[name]:
            raise Usage(f"the feature {name} is said twice: {value} and {asked[name]}", mend="leave one of them out")
    groups = [table()[name].group for name in asked if table()[name].group]
    if twice := {group for group in groups if groups.count(group) > 1}:
        both = [name for name in asked if table()[name].group in twice]
        raise Usage(f"the features {' and '.join(both)} exclude each other", mend="leave all but one of them out")
    defaults = {name: "" for name, feature in table().items() if feature.default and feature.group not in groups}
    return dict(sorted({**defaults, **asked}.items()))


def _read(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if name not in table():
        raise unknown_name("feature", name, table())
    if table()[name].value != bool(value):
        wanted = f"--feature {name}=NUMBER" if table()[name].value else f"--feature {name}"
        raise Usage(f"the feature {name} is said as {wanted}, not {word!r}", mend=wanted)
    if value and not POSITIVE.fullmatch(value):
        mend = f"such as --feature {name}=128"
        raise Usage(f"the feature {name} takes a whole number above 0, not {value!r}", mend=mend)
    if table()[name].power_of_two and int(value).bit_count() != 1:
        least = 1 << int(value).bit_length() - 1
        mend = f"--feature {name}={least} or --feature {name}={2 * least}"
        raise Usage(f"the feature {name} takes a power of two, not {value}", why="its kernels shift by it", mend=mend)
    return name, value


def minimum_sm(name: str, gpu: Gpu) -> int:
    """The compute capability times ten that the feature needs in a release; 0 when any will do, or it is not known."""
    said = table()[name].minimum_sm
    return (said and getattr(gpu, said)) or 0


def build_words(features: Mapping[str, str], dtype: str, tool: Contract, settable: Iterable[str]) -> Words:
    """What the build tool is told. `settable` are the placeholders of the release's templates.

    Raises NotInRelease for a feature that neither the tool nor the templates of the release know.
    """
    words: list[str] = []
    for name, value in features.items():
        feature = table()[name]
        spellings = [tuple(w.format(dtype=dtype, value=value) for w in spelling) for spelling in feature.spellings]
        if set(feature.settings) & set(settable) and not any(knows(tool, spelling) for spelling in spellings):
            continue
        words += _spelled(name, tool, spellings)
    return tuple(words)


def _spelled(name: str, tool: Contract, spellings: list[Words]) -> Words:
    try:
        return spelled(tool, *spellings)
    except NotInRelease as unknown:
        raise NotInRelease(f"{tool.release} cannot do the feature {name}: {unknown.what}") from unknown


def settings(features: Mapping[str, str]) -> dict[str, str]:
    """Template values that the features ask for."""
    return {name: value for feature in features for name, value in table()[feature].settings.items()}
