"""How weights and KV cache are made smaller, and which way there a release knows (`quantizations.toml`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from environment.contracts import Contract
from environment.data import Record, read_toml
from environment.errors import unknown_name
from recipes.recipe import Count, Sources, Text
from recipes.spelling import NotInRelease, Words, knows

FILE = Path(__file__).parent / "quantizations.toml"
NONE = "none"


class Route(Record, frozen=True, kw_only=True):
    """One way to a quantization: the tool that does it and its words. A `calibrated` one reads a data set."""

    tool: Literal["script", "quantize"]
    words: Words
    calibrated: bool = False


class Quantization(Record, frozen=True, kw_only=True):
    """A format of the weights (and activations). `minimum_sm` is the compute capability times ten."""

    title: Text
    minimum_sm: Count
    weight_bits: Count
    kv_cache_dtype: str = ""
    routes: tuple[Route, ...]


class KvCache(Record, frozen=True, kw_only=True):
    """A format of the KV cache, and the words that say it, by tool."""

    minimum_sm: Count
    words: dict[str, Words]


class Calibration(Record, frozen=True, kw_only=True):
    """The data set that calibrated routes read: Hugging Face id, commit, files, samples used, folder.

    `loads`: tool -> the path that it loads, where that is not the folder's.
    """

    hub: Text
    revision: Text
    include: tuple[Text, ...]
    size: Count
    folder: Text
    loads: dict[str, str]
    source: Sources

    def beside(self, place: str, tool: str) -> str:
        """Where a tool without a flag for the data set has to run, so that it finds the one in the folder `place`."""
        return place.removesuffix(f"/{self.loads.get(tool, self.folder)}")


class Quantizations(Record, frozen=True, kw_only=True):
    """The file `quantizations.toml`. `dtypes` -> compute capability times ten that computes in the type."""

    source: Sources
    dtypes: dict[str, int]
    quantizations: dict[str, Quantization]
    kv_caches: dict[str, KvCache]
    calibration: Calibration


@cache
def table() -> Quantizations:
    """Everything that is known of quantizations."""
    return read_toml(FILE, Quantizations)


def find(name: str) -> Quantization:
    """The quantization of that name ("" is none); raises Usage for an unknown one."""
    known = table().quantizations
    if (name or NONE) not in known:
        raise unknown_name("quantization", name, known)
    return known[name or NONE]


def find_kv_cache(name: str) -> KvCache:
    """The KV-cache format of that name; raises Usage for an unknown one."""
    known = table().kv_caches
    if name not in known:
        raise unknown_name("KV-cache data type", name, known)
    return known[name]


def minimum_sm(name: str) -> int:
    """The compute capability times ten that a data type, quantization or KV-cache format needs; 0 for what is none."""
    known = table()
    floors = [rows[name].minimum_sm for rows in (known.quantizations, known.kv_caches) if name in rows]
    return max([known.dtypes.get(name, 0), *floors])


def route(name: str, kv_cache_dtype: str, tools: dict[str, Contract]) -> tuple[Route, Words]:
    """The first route that the release's parsers know, with all its words. `tools`: route -> contract of its tool.

    Raises NotInRelease when no tool of the release does it.
    """
    for way in find(name).routes:
        tool = tools.get(way.tool)
        words = None if tool is None else _words(way, kv_cache_dtype, tool)
        if tool is not None and words is not None and knows(tool, words):
            return way, words
    asked = " with a KV cache in ".join(filter(None, (find(name).title, kv_cache_dtype)))
    release = next(iter(tools.values())).release
    raise NotInRelease(f"no tool of {release} makes {asked} for this model")


def _words(way: Route, kv_cache_dtype: str, tool: Contract) -> Words | None:
    """The words of the route and of the KV cache; None when the tool has none for the KV cache."""
    if not kv_cache_dtype:
        return way.words
    stem = tool.tool.partition("-")[0]
    stored = find_kv_cache(kv_cache_dtype).words.get(stem)
    return None if stored is None else (*way.words, *stored)
