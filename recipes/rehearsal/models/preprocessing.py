"""`preprocessing` of a rehearsal: text to token ids, by the checkpoint's tokenizer.json alone (no transformers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from environment.artifacts import tokenizer as artifacts
from recipes.rehearsal.models import protocol
from recipes.rehearsal.models.protocol import Array, BadRequest
from recipes.rehearsal.text import load_tokenizer, word_list


class TritonPythonModel:
    """Called by Triton: https://github.com/triton-inference-server/python_backend#usage."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Loads the tokenizer."""
        settings = protocol.Settings(args)
        folder = Path(settings.parameter("tokenizer_dir"))
        self.outputs = settings.outputs
        self.add_special_tokens = settings.flag("add_special_tokens", default=True)
        self.tokenizer = load_tokenizer(folder)
        described = artifacts.read_tokenizer(folder)
        special = described.special_tokens if isinstance(described, artifacts.Tokenizer) else {}
        self.end_id = self._id(special.get("eos_token", ""), -1)
        self.pad_id = self._id(special.get("pad_token", ""), self.end_id)

    def _id(self, token: str, default: int) -> int:
        found = self.tokenizer.token_to_id(token)
        return default if found is None else found

    def _encode(self, word: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(word, add_special_tokens=False).ids
        return ids

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response a request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            tensors = self.tensors(request)
        except BadRequest as reason:
            return protocol.error(str(reason))
        return protocol.response({name: value for name, value in tensors.items() if name in self.outputs})

    def tensors(self, request: Any) -> dict[str, Array]:
        """The model's outputs for one request of one prompt; batch dimension first."""
        text = bytes(protocol.single(request, "QUERY").reshape(-1)[0]).decode("utf-8", "replace")
        ids = self.tokenizer.encode(text, add_special_tokens=self.add_special_tokens).ids
        return {
            "INPUT_ID": _row(ids),
            "REQUEST_INPUT_LEN": _row([len(ids)]),
            "REQUEST_OUTPUT_LEN": protocol.single(request, "REQUEST_OUTPUT_LEN"),
            "STOP_WORDS_IDS": word_list(protocol.texts(request, "STOP_WORDS_DICT"), self._encode)[None],
            "BAD_WORDS_IDS": word_list(protocol.texts(request, "BAD_WORDS_DICT"), self._encode)[None],
            "EMBEDDING_BIAS": np.zeros((1, 0), dtype=np.float32),
            "OUT_END_ID": _row([int(protocol.number(request, "END_ID", self.end_id))]),
            "OUT_PAD_ID": _row([int(protocol.number(request, "PAD_ID", self.pad_id))]),
        }


def _row(values: Sequence[int]) -> Array:
    return np.array([values], dtype=np.int32)
