"""A Hugging Face checkpoint becomes a CTranslate2 model folder, with numpy alone, once for the same content.

Layout: OpenNMT/CTranslate2, python/ctranslate2/converters/transformers.py (LlamaLoader, Qwen2Loader), which needs torch
and so cannot be used here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.heads import read
from environment.errors import Trouble
from environment.staging import staged_folder
from environment.unknown import Unknown
from recipes.rehearsal.architecture import Decoder, describe
from recipes.rehearsal.ctranslate import blank
from recipes.rehearsal.weights import Floats, Weights, open_weights

LAYOUT = "1"  # raise it when the conversion changes: models converted before are then not used again
INT8_FROM = 200_000_000  # parameters; from here on weights are kept in 8 bits, a quarter of the memory and traffic
HEAD_BYTES = 1 << 20


def convert(folder: Path, checkpoint: Checkpoint, into: Path) -> Path:
    """The CTranslate2 model of the checkpoint, under `into`; made now unless the same content was converted before."""
    made = into / f"cpu-{identity(folder, checkpoint)}"
    if not made.exists():
        decoder = describe(checkpoint.model, str(folder))
        weights = open_weights(folder, tuple(shard.name for shard in checkpoint.shards))
        agree(decoder, weights, checkpoint.model.vocabulary or 0, str(folder))
        with staged_folder(made) as stage:
            write(decoder, weights, checkpoint.model.vocabulary or 0, stage)
    return made


def agree(decoder: Decoder, weights: Weights, vocabulary: int, folder: str) -> None:
    """Raises Trouble where config.json tells another size than the weights have: [out, in], in elements."""
    attention, size = "model.layers.0.self_attn", decoder.head_size
    for name, said, rows in (
        ("model.embed_tokens.weight", f"vocab_size {vocabulary}", vocabulary),
        (f"{attention}.q_proj.weight", f"{decoder.heads} heads of {size}", decoder.heads * size),
        (f"{attention}.k_proj.weight", f"{decoder.kv_heads} key/value heads of {size}", decoder.kv_heads * size),
    ):
        if (has := weights.shape(name)[0]) != rows:
            raise Trouble(
                f"config.json says {said}, and {name} has {has} rows, not {rows}",
                where=folder,
                why="it is the config.json of other weights",
                mend="download it again: ./inv fetch REPOSITORY --revision COMMIT --into DIR",
            )


def identity(folder: Path, checkpoint: Checkpoint) -> str:
    """A digest of config.json and, for each shard, its header, size and time: gigabytes of weights are not read."""
    digest = hashlib.sha256(LAYOUT.encode())
    for name in ("config.json", *(shard.name for shard in checkpoint.shards)):
        head = read(folder / name, HEAD_BYTES)
        if isinstance(head, Unknown):
            continue
        digest.update(f"{name} {head.file_size} {(folder / name).stat().st_mtime_ns}".encode() + head.data)
    return digest.hexdigest()[:16]


def write(decoder: Decoder, weights: Weights, vocabulary: int, folder: Path) -> None:
    """Writes model.bin, the vocabulary and config.json. Token ids are their own names: the tokenizer stays outside."""
    spec = blank(decoder)
    _fill(spec.decoder, decoder, weights, int8=weights.parameters() >= INT8_FROM)
    spec.register_vocabulary([str(token) for token in range(vocabulary)])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "0"  # noqa: S105
    spec.config.layer_norm_epsilon = decoder.norm_epsilon
    spec.validate()
    if decoder.tied:
        _tie(spec.decoder)
    spec.save(str(folder))


def _fill(spec: Any, decoder: Decoder, weights: Weights, *, int8: bool) -> None:
    _linear(spec.embeddings, weights.get("model.embed_tokens.weight"), int8=int8)
    spec.layer_norm.gamma = weights.get("model.norm.weight")
    if decoder.tied:
        spec.projection.weight = np.zeros((1, 1), np.float32)  # replaced by the name of the embeddings, see _tie
    else:
        _linear(spec.projection, weights.get("lm_head.weight"), int8=int8)
    for number, layer in enumerate(spec.layer):
        for place, names in _places(layer, f"model.layers.{number}."):
            _linear(place, _joined(weights, names, "weight"), int8=int8)
            if f"{names[0]}.bias" in weights:
                place.bias = _joined(weights, names, "bias")
        layer.self_attention.layer_norm.gamma = weights.get(f"model.layers.{number}.input_layernorm.weight")
        layer.ffn.layer_norm.gamma = weights.get(f"model.layers.{number}.post_attention_layernorm.weight")


def _places(layer: Any, prefix: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Each linear map of a layer, and the modules of the checkpoint whose rows it stacks."""
    attention, mlp = f"{prefix}self_attn.", f"{prefix}mlp."
    yield layer.self_attention.linear[0], (f"{attention}q_proj", f"{attention}k_proj", f"{attention}v_proj")
    yield layer.self_attention.linear[1], (f"{attention}o_proj",)
    yield layer.ffn.linear_0, (f"{mlp}gate_proj",)
    yield layer.ffn.linear_0_noact, (f"{mlp}up_proj",)
    yield layer.ffn.linear_1, (f"{mlp}down_proj",)


def _joined(weights: Weights, modules: tuple[str, ...], part: str) -> Floats:
    return np.concatenate([weights.get(f"{module}.{part}") for module in modules])


def _linear(place: Any, rows: Floats, *, int8: bool) -> None:
    """Sets a [out, in] weight; in 8 bits with one scale a row, as CTranslate2's own `int8` quantization does."""
    if not int8:
        place.weight = rows
        return
    largest = np.abs(rows).max(axis=1)
    largest[largest == 0] = 127.0
    scale = (127.0 / largest).astype(np.float32)
    place.weight = np.rint(rows * scale[:, None]).astype(np.int8)
    place.weight_scale = scale


def _tie(spec: Any) -> None:
    """Points the projection to the embeddings."""
    spec.projection.weight = "decoder/embeddings/weight"
    if not isinstance(spec.embeddings.weight_scale, str):
        spec.projection.weight_scale = "decoder/embeddings/weight_scale"
