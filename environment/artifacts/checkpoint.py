"""Reads a Hugging Face checkpoint folder: what model it is, whether its weights are whole, what it would execute.

Only JSON files, file sizes and the ends of weight files are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from environment.artifacts.engine import engine_kind
from environment.artifacts.heads import Damaged, Json, is_lfs_pointer, names_in, read, read_json
from environment.artifacts.weight_files import SAFETENSORS, Shard, pickles_among, read_shards
from environment.data import Value
from environment.fetched import NAME
from environment.unknown import Unknown

REVISION = re.compile(r"[0-9a-f]{40}")

# The names model families use for the same thing, most common first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
    "layers": ("num_hidden_layers", "num_layers", "n_layer", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv"),
    "vocabulary": ("vocab_size", "padded_vocab_size"),
    "max_positions": ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "max_sequence_length"),
}


class Model(Value, frozen=True, kw_only=True):
    """What config.json says of the model. `None` is what it does not say."""

    architectures: tuple[str, ...]
    model_type: str
    hidden_size: int | None
    layers: int | None
    heads: int | None
    kv_heads: int | None
    vocabulary: int | None
    max_positions: int | None
    dtype: str
    quantization: str
    eos_ids: tuple[int, ...]
    config: Json


class Checkpoint(Value, frozen=True, kw_only=True, tag=True):
    """A checkpoint folder. `remote_code` are its auto_map classes; `missing_code` those whose file is not in it."""

    model: Model
    shards: tuple[Shard, ...]
    pickles: tuple[str, ...]
    pointers: tuple[str, ...]
    incomplete: tuple[str, ...]
    remote_code: tuple[str, ...]
    missing_code: tuple[str, ...]
    generation_eos_ids: tuple[int, ...]
    revision: str
    files: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether its weights are safetensors, so that none of its pickles is loaded."""
        return any(shard.name.endswith(SAFETENSORS) for shard in self.shards)

    @property
    def complete(self) -> bool:
        """Whether every weight file is there and whole, and no file stands for another."""
        return bool(self.shards or self.pickles) and not (self.pointers or any(shard.fault for shard in self.shards))


def read_checkpoint(folder: Path) -> Checkpoint | Damaged | Unknown:
    """The checkpoint in `folder`, which must hold a config.json."""
    files, config = names_in(folder), read_json(folder / "config.json")
    if isinstance(files, Unknown):
        return files
    if "config.json" not in files:
        return Damaged("the folder has no config.json")
    if isinstance(config, Unknown | Damaged):
        return config
    if kind := engine_kind(config):
        return Damaged(f"its config.json is that of a TensorRT-LLM {kind}, and of no Hugging Face checkpoint")
    shards = read_shards(folder, files)
    if isinstance(shards, Unknown | Damaged):
        return shards
    code = remote_code(config, _object(folder / "tokenizer_config.json"))
    return Checkpoint(
        model=parse_model(config),
        shards=shards,
        pickles=pickles_among(files),
        pointers=pointers(folder, files),
        incomplete=incomplete(folder, files),
        remote_code=code,
        missing_code=missing_code(code, files),
        generation_eos_ids=_ids(_object(folder / "generation_config.json").get("eos_token_id")),
        revision=revision(folder),
        files=files,
    )


def parse_model(config: Json) -> Model:
    """The model that a config.json describes; a multimodal one by its text part."""
    text = config.get("text_config")
    said = {**text, **{k: v for k, v in config.items() if v is not None}} if isinstance(text, Mapping) else config
    numbers = {field: _number(said, names) for field, names in NAMES.items()}
    quantization = said.get("quantization_config")
    return Model(
        architectures=_words(said.get("architectures")),
        model_type=_word(said.get("model_type")),
        dtype=_word(said.get("torch_dtype") or said.get("dtype")),
        quantization=_word(quantization.get("quant_method")) if isinstance(quantization, Mapping) else "",
        eos_ids=_ids(said.get("eos_token_id")),
        config=config,
        **{**numbers, "kv_heads": _kv_heads(said, numbers)},
    )


def _kv_heads(config: Json, numbers: Mapping[str, int | None]) -> int | None:
    """Key/value heads: one by one, as a multi-query group, or as many as there are heads."""
    if config.get("multi_query_attention") is True:
        return _number(config, ("multi_query_group_num",))
    if config.get("multi_query") is True and not config.get("new_decoder_architecture"):
        return 1
    return numbers["kv_heads"] or numbers["heads"]


def pointers(folder: Path, files: Iterable[str]) -> tuple[str, ...]:
    """The files that are git-lfs pointers."""
    heads = ((name, read(folder / name, 64)) for name in files)
    return tuple(name for name, head in heads if not isinstance(head, Unknown) and is_lfs_pointer(head))


def incomplete(folder: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Downloads that were cut short: in the folder, in its local-download cache, in the hub cache it links to."""
    found = [name for name in files if name.endswith(".incomplete")]
    for place in (".cache/huggingface/download", "../../blobs"):
        names = names_in(folder / place)
        if not isinstance(names, Unknown):
            found += [f"{place}/{name}" for name in names if name.endswith(".incomplete")]
    return tuple(found)


def remote_code(*configs: Json) -> tuple[str, ...]:
    """The classes that `trust_remote_code=True` would import from the checkpoint (`auto_map`)."""
    maps = [said for config in configs if isinstance(said := config.get("auto_map"), Mapping)]
    listed = (value for said in maps for value in said.values())
    flat = (name for value in listed for name in (value if isinstance(value, list) else [value]))
    return tuple(sorted({name for name in flat if isinstance(name, str)}))


def missing_code(code: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
    """The auto_map classes (`module.Class`, or `owner/name--module.Class` elsewhere) without a file here."""
    return tuple(name for name in code if "--" in name or f"{name.split('.')[0]}.py" not in files)


def revision(folder: Path) -> str:
    """The 40-hex commit the folder was downloaded at, if the hub's cache, its local-download metadata or `invoke fetch`
    tells; else ''.
    """
    place = folder.absolute()
    if place.parent.name == "snapshots" and REVISION.fullmatch(place.name):
        return place.name
    note = read(folder / ".cache/huggingface/download/config.json.metadata", 40)
    line = "" if isinstance(note, Unknown) else note.data.decode("ascii", "replace")
    lines = (line, _word(_object(folder / NAME).get("revision")))
    return next((line for line in lines if REVISION.fullmatch(line)), "")


def _object(path: Path) -> Json:
    said = read_json(path)
    return said if isinstance(said, Mapping) else {}


def _number(config: Json, names: Iterable[str]) -> int | None:
    return next((value for name in names if type(value := config.get(name)) is int and value > 0), None)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _ids(value: object) -> tuple[int, ...]:
    return tuple(number for number in (value if isinstance(value, list) else [value]) if type(number) is int)
