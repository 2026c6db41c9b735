"""Where an answer ends: every end token that a checkpoint's files name. They differ from file to file.

Qwen2 names two in generation_config.json and one in tokenizer_config.json, Llama 3 a list, a base model another one.
Servers before v0.8.0 end an answer only at the `end_id` of the request; later ones encode the tokenizer's eos_token
instead, which ChatGLM's tokenizer takes apart (triton-inference-server/tensorrtllm_backend@v0.7.0 and @v0.8.0:
all_models/inflight_batcher_llm/preprocessing/1/model.py). So the client says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from environment.artifacts.checkpoint import parse_model
from environment.artifacts.heads import Json, read_json
from environment.artifacts.tokenizer import CONFIG

GENERATION, MODEL, TOKENIZER = "generation_config.json", "config.json", "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The token that ends an answer on the engine, and the words of the others; None where no file tells."""

    id: int | None = None
    words: tuple[str, ...] = ()


UNSAID = Ends()


def ends(folder: Path) -> Ends:
    """The end tokens of the checkpoint in `folder`: what generation says first, then the model, then the tokenizer."""
    tokenizer = _read(folder / CONFIG)
    texts = dict(_texts(tokenizer)) or dict(_texts(_read(folder / TOKENIZER)))
    ids = [*parse_model(_read(folder / GENERATION)).eos_ids, *parse_model(_read(folder / MODEL)).eos_ids]
    said = tokenizer.get("eos_token")
    word = said.get("content") if isinstance(said, Mapping) else said
    ids += [number for number, text in texts.items() if text == word]
    first, *others = dict.fromkeys(ids) if ids else (None,)
    return Ends(id=first, words=tuple(texts[number] for number in others if number in texts))


def _texts(config: Json) -> Iterator[tuple[int, str]]:
    """The special tokens that a tokenizer_config.json or a tokenizer.json lists."""
    known = config.get("added_tokens_decoder")
    for number, token in known.items() if isinstance(known, Mapping) else ():
        if number.isdigit() and isinstance(token, Mapping) and isinstance(token.get("content"), str):
            yield int(number), str(token["content"])
    listed = config.get("added_tokens")
    for token in listed if isinstance(listed, list) else ():
        if isinstance(token, Mapping) and type(token.get("id")) is int and isinstance(token.get("content"), str):
            yield token["id"], token["content"]


def _read(path: Path) -> Json:
    said = read_json(path)
    return said if isinstance(said, Mapping) else {}
