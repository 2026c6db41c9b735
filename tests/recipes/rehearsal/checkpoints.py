"""Small checkpoints of random weights, and what they compute, written out in NumPy from the papers' formulas."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.rehearsal.checkpoint import SHIPPED

Arrays = Mapping[str, NDArray[np.float32]]
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 512,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
}


def random_weights(config: Mapping[str, Any], *, bias: bool, seed: int = 7) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim", hidden // config["num_attention_heads"])
    q, kv = head * config["num_attention_heads"], head * config["num_key_value_heads"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
    }
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows in (("q", q), ("k", kv), ("v", kv)):
            shapes[f"{at}self_attn.{name}_proj.weight"] = (rows, hidden)
            if bias:
                shapes[f"{at}self_attn.{name}_proj.bias"] = (rows,)
        shapes[f"{at}self_attn.o_proj.weight"] = (hidden, q)
        shapes[f"{at}mlp.gate_proj.weight"] = shapes[f"{at}mlp.up_proj.weight"] = (inner, hidden)
        shapes[f"{at}mlp.down_proj.weight"] = (hidden, inner)
        shapes[f"{at}input_layernorm.weight"] = shapes[f"{at}post_attention_layernorm.weight"] = (hidden,)
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def bfloat16(array: NDArray[np.float32]) -> tuple[str, bytes]:
    return "BF16", (array.view(np.uint32) >> 16).astype("<u2").tobytes()


def float16(array: NDArray[np.float32]) -> tuple[str, bytes]:
    return "F16", array.astype("<f2").tobytes()


def float32(array: NDArray[np.float32]) -> tuple[str, bytes]:
    return "F32", array.tobytes()


def write_safetensors(path: Path, arrays: Arrays, encode: Any = float32) -> None:
    header, data = {}, b""
    for name, array in arrays.items():
        kind, raw = encode(array)
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_checkpoint(
    folder: Path, config: Mapping[str, Any], weights: Arrays, *, shards: int = 1, encode: Any = float32
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(SHIPPED / name, folder)
    names = sorted(weights)
    files = (
        ["model.safetensors"]
        if shards == 1
        else [f"model-{n + 1:05}-of-{shards:05}.safetensors" for n in range(shards)]
    )
    placed = {name: files[place % shards] for place, name in enumerate(names)}
    for file in files:
        write_safetensors(folder / file, {name: weights[name] for name in names if placed[name] == file}, encode)
    if shards > 1:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    return folder


def frequencies(config: Mapping[str, Any], head: int) -> NDArray[np.float64]:
    """Rotary frequencies: RoFormer, and the scalings `linear` and `llama3` of transformers' modeling_rope_utils.py."""
    found = config["rope_theta"] ** -(np.arange(0, head, 2) / head)
    said = config.get("rope_scaling") or {}
    if said.get("rope_type") == "linear":
        return np.asarray(found / said["factor"])
    if said.get("rope_type") != "llama3":
        return np.asarray(found)
    low, high, old = said["low_freq_factor"], said["high_freq_factor"], said["original_max_position_embeddings"]
    waves = 2 * np.pi / found
    smooth = np.clip((old / waves - low) / (high - low), 0, 1)
    return np.asarray((1 - smooth) * found / said["factor"] + smooth * found)


def greedy(config: Mapping[str, Any], weights: Arrays, prompt: list[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(np.argmax(logits(config, weights, ids)[-1])))
    return ids[len(prompt) :]


def logits(config: Mapping[str, Any], w: Arrays, ids: list[int]) -> NDArray[np.float64]:
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim", config["hidden_size"] // heads)
    angles = np.outer(np.arange(len(ids)), frequencies(config, head))
    cos, sin = np.cos(np.hstack([angles, angles])), np.sin(np.hstack([angles, angles]))

    def norm(x: Any, gain: Any) -> Any:
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * gain

    def linear(x: Any, name: str) -> Any:
        return x @ w[f"{name}.weight"].T.astype(np.float64) + w.get(f"{name}.bias", np.float32(0))

    def turned(x: Any) -> Any:
        half = np.concatenate([-x[..., head // 2 :], x[..., : head // 2]], -1)
        return x * cos[:, None] + half * sin[:, None]

    x = w["model.embed_tokens.weight"][ids].astype(np.float64)
    mask = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = norm(x, w[f"{at}input_layernorm.weight"])
        q = turned(linear(y, f"{at}self_attn.q_proj").reshape(len(ids), heads, head))
        k = turned(linear(y, f"{at}self_attn.k_proj").reshape(len(ids), groups, head)).repeat(heads // groups, 1)
        v = linear(y, f"{at}self_attn.v_proj").reshape(len(ids), groups, head).repeat(heads // groups, 1)
        score = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(head) + mask
        weight = np.exp(score - score.max(-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", weight / weight.sum(-1, keepdims=True), v)
        x = x + linear(mixed.reshape(len(ids), -1), f"{at}self_attn.o_proj")
        y = norm(x, w[f"{at}post_attention_layernorm.weight"])
        gate = linear(y, f"{at}mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, f"{at}mlp.up_proj"), f"{at}mlp.down_proj")
    out = w["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
    return np.asarray(norm(x, w["model.norm.weight"]) @ out.T.astype(np.float64))
