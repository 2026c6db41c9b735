"""An engine that says its question again, behind the engine interface of a rehearsal. It runs inside the real Triton.

Everything around it is the real thing: preprocessing, tokenizer, streaming, postprocessing. So a text that goes in can
be compared, byte by byte, with what comes out, whatever a model would have made of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from recipes.rehearsal.engine import Engine, OnToken, Sampling
from recipes.rehearsal.models import tensorrt_llm
from recipes.rehearsal.text import load_tokenizer

START, END = "<|im_start|>", "<|im_end|>"
PAUSE = 0.0005  # seconds between two tokens, so that a client can go in between


class Echo:
    """Answers with the last turn of a conversation, or with the whole of a prompt that is none."""

    vocabulary, positions = 512, 1 << 16

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        (self.end,) = self.tokenizer.encode(END, add_special_tokens=False).ids

    def generate(self, prompts: Sequence[Sequence[int]], limit: int, sampling: Sampling, on_token: OnToken) -> None:
        """One prompt after the other: the tokens of the answer, then the end token; `min_length` says it again."""
        for place, prompt in enumerate(prompts):
            said = self.answer(prompt)
            whole = (said * (sampling.min_length // max(len(said), 1) + 1) + [self.end])[:limit]
            for token in whole:
                time.sleep(PAUSE)
                if on_token(place, token, 0.0):
                    break

    def answer(self, prompt: Sequence[int]) -> list[int]:
        """The tokens of what was asked last."""
        text = self.tokenizer.decode(list(prompt), skip_special_tokens=False)
        if START in text:
            text = text.rpartition(END)[0].rpartition(START)[2].partition("\n")[2]
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids


class TritonPythonModel(tensorrt_llm.TritonPythonModel):
    """The stand-in with this engine in it."""

    def load(self, folder: Path) -> Engine:
        """The echo, with the tokenizer of the checkpoint."""
        return Echo(Path(self.manifest.checkpoint))
