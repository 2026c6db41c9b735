"""Where an answer ends: real checkpoints name their end tokens in three files that do not agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipes.ends import Ends, ends
from recipes.rehearsal.checkpoint import SHIPPED

QWEN2 = {"151643": "<|endoftext|>", "151644": "<|im_start|>", "151645": "<|im_end|>"}
LLAMA3 = {"128000": "<|begin_of_text|>", "128001": "<|end_of_text|>", "128009": "<|eot_id|>"}


def checkpoint(folder: Path, model: Any, generation: Any, eos: Any, tokens: dict[str, str]) -> Path:
    (folder / "config.json").write_text(json.dumps({} if model is None else {"eos_token_id": model}))
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": generation}))
    decoder = {number: {"content": text} for number, text in tokens.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": eos, "added_tokens_decoder": decoder}))
    return folder


@pytest.mark.parametrize(
    ("model", "generation", "eos", "tokens", "expected"),
    [
        # Qwen2-7B-Instruct: two in generation_config.json, one of them in each of the others
        (151645, [151645, 151643], "<|im_end|>", QWEN2, Ends(id=151645, words=("<|endoftext|>",))),
        # Qwen2-7B, the base model
        (151643, 151643, "<|endoftext|>", QWEN2, Ends(id=151643)),
        # Llama-3-8B-Instruct as first published: the three files name three different sets
        (128001, [128001, 128009], "<|eot_id|>", LLAMA3, Ends(id=128001, words=("<|eot_id|>",))),
        # the tokenizer alone knows the end of a turn
        (128001, None, {"content": "<|eot_id|>"}, LLAMA3, Ends(id=128001, words=("<|eot_id|>",))),
        # Llama 2 and ChatGLM3: one number, and no list of tokens
        (2, 2, "</s>", {}, Ends(id=2)),
        (2, None, None, {}, Ends(id=2)),
        # a tokenizer alone, as a folder for --model-dir
        (None, None, "<|im_end|>", QWEN2, Ends(id=151645)),
        (None, None, None, {}, Ends()),
        ("2", [True, None, "x"], 7, {"x": "y"}, Ends()),
    ],
)
def test_every_file_is_asked(
    model: Any, generation: Any, eos: Any, tokens: dict[str, str], expected: Ends, tmp_path: Path
) -> None:
    assert ends(checkpoint(tmp_path, model, generation, eos, tokens)) == expected


def test_a_tokenizer_json_tells_where_the_config_does_not() -> None:
    assert ends(SHIPPED) == Ends(id=2, words=("<|endoftext|>",))


def test_nothing_there_is_nothing_said(tmp_path: Path) -> None:
    assert ends(tmp_path / "nowhere") == Ends()
    (tmp_path / "config.json").write_text("[1, 2")
    (tmp_path / "tokenizer_config.json").write_text('{"added_tokens_decoder": {"1": 3}, "added_tokens": [4]}')
    assert ends(tmp_path) == Ends()
