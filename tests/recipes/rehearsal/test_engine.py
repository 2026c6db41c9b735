"""The CPU engine computes what the architecture says, from every way a checkpoint may be stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environment.errors import Trouble
from recipes.rehearsal import conversion
from recipes.rehearsal.architecture import describe
from recipes.rehearsal.checkpoint import SHIPPED, checked
from recipes.rehearsal.ctranslate import CTranslate2
from recipes.rehearsal.engine import Sampling
from tests.recipes.rehearsal.checkpoints import (
    CONFIG,
    bfloat16,
    float16,
    float32,
    greedy,
    logits,
    random_weights,
    write_checkpoint,
)

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
QWEN2 = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
PROMPT = [5, 17, 400, 3, 99, 260, 31]


def answer(folder: Path, into: Path, prompt: list[int], count: int) -> list[int]:
    model = conversion.convert(folder, checked(folder), into)
    engine = CTranslate2(model, vocabulary=512, positions=128, workers=1, threads=1)
    heard: list[int] = []

    def hear(_: int, token: int, __: float) -> bool:
        heard.append(token)
        return False

    engine.generate([prompt], count, Sampling(), hear)
    return heard


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
        {"tie_word_embeddings": True},
        {"rope_theta": 1000000.0},
        {"rope_scaling": {"rope_type": "linear", "factor": 4.0}},
        {"rope_scaling": LLAMA3},
        {"head_dim": 16},
        QWEN2,
        {**QWEN2, "tie_word_embeddings": True, "num_key_value_heads": 4},
    ],
    ids=str,
)
def test_it_says_what_the_formulas_say(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = {**CONFIG, **changes}
    weights = random_weights(config, bias=config["model_type"] == "qwen2")
    folder = write_checkpoint(tmp_path / "model", config, weights)
    prompt = PROMPT * 6
    assert answer(folder, tmp_path, prompt, 12) == greedy(config, weights, prompt, 12)


def test_rope_is_read_as_transformers_5_writes_it(tmp_path: Path) -> None:
    weights = random_weights(CONFIG, bias=False)
    new = {k: v for k, v in CONFIG.items() if k != "rope_theta"} | {"rope_parameters": {**LLAMA3, "rope_theta": 500.0}}
    old = {**CONFIG, "rope_theta": 500.0, "rope_scaling": LLAMA3}
    made = [write_checkpoint(tmp_path / name, config, weights) for name, config in (("new", new), ("old", old))]
    assert describe(checked(made[0]).model) == describe(checked(made[1]).model)


@pytest.mark.parametrize("encode", [bfloat16, float16, float32], ids=["bf16", "fp16", "fp32"])
def test_shards_and_types_make_no_difference(tmp_path: Path, encode: Any) -> None:
    weights = random_weights(CONFIG, bias=False)
    rounded = {name: np.rint(array * 64).astype(np.float32) / 64 for name, array in weights.items()}
    folder = write_checkpoint(tmp_path / "model", CONFIG, rounded, shards=3, encode=encode)
    assert answer(folder, tmp_path, PROMPT, 10) == greedy(CONFIG, rounded, PROMPT, 10)


def test_eight_bits_stay_close_enough_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights at random have near ties, and processors round differently: one of the five likeliest of 512."""
    monkeypatch.setattr(conversion, "INT8_FROM", 1)
    for number, tied in enumerate((False, True)):
        config = {**CONFIG, "tie_word_embeddings": tied}
        weights = random_weights(config, bias=False)
        folder = write_checkpoint(tmp_path / f"model{number}", config, weights)
        model = conversion.convert(folder, checked(folder), tmp_path / "made")
        assert (model / "model.bin").stat().st_size < 2 * sum(array.size for array in weights.values())
        likeliest = np.argsort(logits(config, weights, PROMPT)[-1])[-5:]
        assert answer(folder, tmp_path / "made", PROMPT, 1)[0] in likeliest


def test_converted_once_and_again_when_the_checkpoint_changes(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", CONFIG, random_weights(CONFIG, bias=False))
    first = conversion.convert(folder, checked(folder), tmp_path / "made")
    stamp = (first / "model.bin").stat().st_mtime_ns
    assert conversion.convert(folder, checked(folder), tmp_path / "made") == first
    assert (first / "model.bin").stat().st_mtime_ns == stamp
    write_checkpoint(folder, CONFIG, random_weights(CONFIG, bias=False, seed=8))
    assert conversion.convert(folder, checked(folder), tmp_path / "made") != first


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"vocab_size": 10}, "config.json says vocab_size 10, and model.embed_tokens.weight has 512 rows, not 10"),
        ({"num_key_value_heads": 4}, "key/value heads of"),
        ({"num_attention_heads": 10**9}, "heads of 0"),
    ],
)
def test_the_config_of_other_weights_is_named(said: dict[str, Any], words: str, tmp_path: Path) -> None:
    """The first ended as a bug of the toolkit, the others in Triton at the first question."""
    folder = write_checkpoint(tmp_path / "model", CONFIG, random_weights(CONFIG, bias=False))
    (folder / "config.json").write_text(json.dumps({**CONFIG, **said}), encoding="utf-8")
    with pytest.raises(Trouble) as caught:
        conversion.convert(folder, checked(folder), tmp_path / "made")
    assert words in caught.value.what


def test_a_missing_tensor_is_named_and_nothing_half_made_stays(tmp_path: Path) -> None:
    weights = random_weights(CONFIG, bias=False)
    del weights["model.layers.1.mlp.up_proj.weight"]
    folder = write_checkpoint(tmp_path / "model", CONFIG, weights)
    with pytest.raises(Trouble, match=r"no tensor 'model.layers.1.mlp.up_proj.weight'"):
        conversion.convert(folder, checked(folder), tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architectures": ["MixtralForCausalLM"]}, "it is MixtralForCausalLM"),
        ({"architectures": []}, "no architecture"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantized .gptq"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "rotary scaling is 'yarn'"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "rotary scaling is 'dynamic'"),
        ({"rope_scaling": {**LLAMA3, "original_max_position_embeddings": 4096}}, "begins at 4096 positions"),
        ({"use_sliding_window": True}, "sliding"),
        ({"hidden_act": "gelu"}, "activation is gelu"),
        ({"num_hidden_layers": None}, "lacks layers"),
    ],
)
def test_what_it_would_compute_wrongly_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    folder = write_checkpoint(tmp_path, {**CONFIG, **changes}, random_weights(CONFIG, bias=False))
    with pytest.raises(Trouble, match=words):
        describe(checked(folder).model)


def test_the_shipped_checkpoint_is_small_and_plain() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 4_000_000
    config = json.loads((SHIPPED / "config.json").read_text())
    assert (config["architectures"], config["torch_dtype"]) == (["Qwen2ForCausalLM"], "bfloat16")
    assert checked(SHIPPED).complete
