"""Reads a TensorRT-LLM engine folder, or a TensorRT-LLM checkpoint folder: config.json and the head of every rank.

Two shapes of config.json: `builder_config` and `plugin_config` without a `version` (before 0.8), and `version`,
`pretrained_config`, `build_config` (since). Source: NVIDIA/TensorRT-LLM, cpp/tensorrt_llm/runtime/gptJsonConfig.cpp
(v0.5.0 to v0.16.0), tensorrt_llm/builder.py and mapping.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from environment.artifacts.heads import Damaged, Json, names_in, read_json
from environment.artifacts.safetensors import Safetensors, read_safetensors
from environment.artifacts.tensorrt_plan import Plan, read_plan
from environment.data import Value
from environment.unknown import Unknown

RANK = re.compile(r"(?:^|_)rank(\d{1,4})\.(engine|safetensors)")
WORLD_LIMIT = 4096  # ranks
OFF = (None, False, "", "disable", "disabled")


class Limits(Value, frozen=True, kw_only=True):
    """What an engine was built for: requests, beams, and tokens. `None` is what config.json does not say."""

    max_batch_size: int | None = None
    max_beam_width: int | None = None
    max_input_len: int | None = None
    max_output_len: int | None = None
    max_seq_len: int | None = None
    max_num_tokens: int | None = None


class Mapped(Value, frozen=True, kw_only=True):
    """How a model is spread: tensor, pipeline and context parallelism; `world_size` is their product, or as written."""

    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    context_parallel: int = 1
    world_size: int = 1


class Model(Value, frozen=True, kw_only=True):
    """The model inside: its TensorRT-LLM architecture, types and sizes."""

    architecture: str
    dtype: str
    quantization: str
    kv_cache_quantization: str
    heads: int | None
    kv_heads: int | None
    layers: int | None
    hidden_size: int | None
    vocabulary: int | None


class Rank(Value, frozen=True, kw_only=True):
    """One rank's file and what its head says; `head` is a plan in an engine, safetensors in a checkpoint."""

    name: str
    number: int
    head: Plan | Safetensors | Damaged | Unknown

    @property
    def complete(self) -> bool:
        """Whether the head says that the file is whole."""
        return isinstance(self.head, Plan | Safetensors) and self.head.complete


class Engine(Value, frozen=True, kw_only=True, tag=True):
    """A folder of ranks with its config.json. `version` is TensorRT-LLM's; empty before 0.8 and in checkpoints."""

    kind: Literal["engine", "checkpoint"]
    version: str
    model: Model
    mapped: Mapped
    limits: Limits
    plugins: Json
    ranks: tuple[Rank, ...]
    missing: tuple[int, ...]
    extra: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every rank is there, and whole as far as its head shows."""
        return not self.missing and not self.extra and all(rank.complete for rank in self.ranks)

    @property
    def longest_sequence(self) -> int | None:
        """Input and output tokens of one request together, at most."""
        limits = self.limits
        if limits.max_seq_len or limits.max_input_len is None or limits.max_output_len is None:
            return limits.max_seq_len
        return limits.max_input_len + limits.max_output_len

    def plugin(self, name: str) -> bool | None:
        """Whether a plugin or feature is on; None where config.json does not name it."""
        return self.plugins[name] not in OFF if name in self.plugins else None


def engine_kind(config: Json) -> Literal["engine", "checkpoint"] | None:
    """Whether a config.json is that of an engine, of a TensorRT-LLM checkpoint, or of neither."""
    if isinstance(config.get("builder_config"), Mapping) or isinstance(config.get("build_config"), Mapping):
        return "engine"
    return "checkpoint" if isinstance(config.get("architecture"), str) and "dtype" in config else None


def read_engine(folder: Path) -> Engine | Damaged | Unknown:
    """The engine or TensorRT-LLM checkpoint in `folder`; Unknown where config.json is that of something else."""
    config, files = read_json(folder / "config.json"), names_in(folder)
    if isinstance(files, tuple) and "config.json" not in files:
        return Damaged("the folder has no config.json")
    if isinstance(config, Unknown | Damaged):
        return config
    kind = engine_kind(config)
    if isinstance(files, Unknown) or kind is None:
        return files if isinstance(files, Unknown) else Unknown("config.json is that of no TensorRT-LLM engine")
    suffix = "engine" if kind == "engine" else "safetensors"
    found = {name: int(match[1]) for name in files if (match := RANK.search(name)) and match[2] == suffix}
    mapped = parse_mapping(config)
    if mapped.world_size > WORLD_LIMIT:
        return Damaged(f"config.json asks for {mapped.world_size} ranks")
    return Engine(
        kind=kind,
        version=said if kind == "engine" and isinstance(said := config.get("version"), str) else "",
        model=parse_model(config),
        mapped=mapped,
        limits=parse_limits(config),
        plugins=_part(_part(config, "build_config"), "plugin_config") or _part(config, "plugin_config"),
        ranks=tuple(_rank(folder / name, number) for name, number in found.items() if number < mapped.world_size),
        missing=tuple(number for number in range(mapped.world_size) if number not in found.values()),
        extra=tuple(name for name, number in found.items() if number >= mapped.world_size),
    )


def parse_mapping(config: Json) -> Mapped:
    """The parallelism that any of the shapes describes."""
    old, new = _part(config, "builder_config"), _part(_pretrained(config), "mapping")
    tensor = _count(new, "tp_size") or _count(old, "tensor_parallel") or 1
    pipeline = _count(new, "pp_size") or _count(old, "pipeline_parallel") or 1
    context = _count(new, "cp_size") or 1
    return Mapped(
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        context_parallel=context,
        world_size=_count(new, "world_size") or tensor * pipeline * context,
    )


def parse_model(config: Json) -> Model:
    """The model that any of the shapes describes."""
    old, new = _part(config, "builder_config"), _pretrained(config)
    quantization = _part(new, "quantization")
    return Model(
        architecture=_word(new.get("architecture")) or _word(old.get("name")),
        dtype=_word(new.get("dtype")) or _word(old.get("precision")),
        quantization=_word(quantization.get("quant_algo")) or ("int8" if old.get("int8") is True else ""),
        kv_cache_quantization=_word(quantization.get("kv_cache_quant_algo")),
        heads=_count(new, "num_attention_heads") or _count(old, "num_heads"),
        kv_heads=_count(new, "num_key_value_heads") or _count(old, "num_kv_heads"),
        layers=_count(new, "num_hidden_layers") or _count(old, "num_layers"),
        hidden_size=_count(new, "hidden_size") or _count(old, "hidden_size"),
        vocabulary=_count(new, "vocab_size") or _count(old, "vocab_size"),
    )


def parse_limits(config: Json) -> Limits:
    """The limits that an engine's config.json states."""
    said = _part(config, "build_config") or _part(config, "builder_config")
    return Limits(**{name: _count(said, name) for name in Limits.__struct_fields__})


def _rank(path: Path, number: int) -> Rank:
    head = read_plan(path) if path.suffix == ".engine" else read_safetensors(path)
    return Rank(name=path.name, number=number, head=head)


def _pretrained(config: Json) -> Json:
    return _part(config, "pretrained_config") or config


def _part(config: Json, name: str) -> Json:
    value = config.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(config: Json, name: str) -> int | None:
    value = config.get(name)
    return value if type(value) is int and value > 0 else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
