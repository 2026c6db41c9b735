"""Reads a Hugging Face checkpoint folder: what model it is, whether its weights are whole, what it would execute.

Only JSON files, file sizes and safetensors headers are read. Format: huggingface/transformers,
src/transformers/utils/hub.py (index files) and modeling_utils.py (weight file names).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from environment.artifacts.heads import Damaged, Json, is_lfs_pointer, names_in, read, read_json
from environment.artifacts.safetensors import Safetensors, read_safetensors
from environment.data import Value
from environment.unknown import Unknown

SAFETENSORS_INDEX, PICKLE_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
NOT_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
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


class Shard(Value, frozen=True, kw_only=True):
    """One weight file. `fault` is empty when it is whole as far as its header shows; sizes are in bytes."""

    name: str
    size: int | None
    expected_size: int | None = None
    fault: str = ""


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
    def complete(self) -> bool:
        """Whether every weight file is there and whole, and no file stands for another."""
        return bool(self.shards or self.pickles) and not (self.pointers or any(shard.fault for shard in self.shards))


def read_checkpoint(folder: Path) -> Checkpoint | Damaged | Unknown:
    """The checkpoint in `folder`, which must hold a config.json."""
    files, config = names_in(folder), read_json(folder / "config.json")
    if isinstance(files, Unknown):
        return files
    if isinstance(config, Unknown | Damaged):
        return config
    shards = read_shards(folder, files)
    if isinstance(shards, Unknown | Damaged):
        return shards
    code = remote_code(config, _object(folder / "tokenizer_config.json"))
    return Checkpoint(
        model=parse_model(config),
        shards=shards,
        pickles=tuple(name for name in files if name.endswith(PICKLES) and name not in NOT_WEIGHTS),
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


def read_shards(folder: Path, files: tuple[str, ...]) -> tuple[Shard, ...] | Damaged | Unknown:
    """Every weight file that the index names, or, without an index, every safetensors file of the folder."""
    index = next((name for name in (SAFETENSORS_INDEX, PICKLE_INDEX) if name in files), None)
    if index is None:
        return tuple(read_shard(folder, name) for name in files if name.endswith(".safetensors"))
    said = read_json(folder / index)
    if isinstance(said, Unknown | Damaged):
        return said
    weights = said.get("weight_map")
    if not isinstance(weights, Mapping):
        return Damaged(f"{index} has no weight_map")
    names = sorted({str(name) for name in weights.values()})
    return tuple(read_shard(folder, name) if name in files else _absent(name) for name in names)


def read_shard(folder: Path, name: str) -> Shard:
    """One weight file of the folder: its header if it is safetensors, else its size alone."""
    if not name.endswith(".safetensors"):
        head = read(folder / name, 64)
        return _unread(name, head) if isinstance(head, Unknown) else Shard(name=name, size=head.file_size)
    header = read_safetensors(folder / name)
    if not isinstance(header, Safetensors):
        return _unread(name, header)
    sizes = f"{header.file_size} bytes, its header promises {header.expected_size}"
    return Shard(
        name=name,
        size=header.file_size,
        expected_size=header.expected_size,
        fault="" if header.complete else sizes,
    )


def _absent(name: str) -> Shard:
    return Shard(name=name, size=None, fault="named by the index, not in the folder")


def _unread(name: str, answer: Damaged | Unknown) -> Shard:
    return Shard(name=name, size=None, fault=answer.reason)


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
    """The 40-hex commit the folder was downloaded at, if the hub's cache or local-download metadata tells; else ''."""
    place = folder.absolute()
    if place.parent.name == "snapshots" and REVISION.fullmatch(place.name):
        return place.name
    note = read(folder / ".cache/huggingface/download/config.json.metadata", 40)
    line = "" if isinstance(note, Unknown) else note.data.decode("ascii", "replace")
    return line if REVISION.fullmatch(line) else ""


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
