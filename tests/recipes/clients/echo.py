"""An engine that says its question again, behind the engine interface of a rehearsal. It runs inside the real Triton.

Everything around it is the real thing: preprocessing, tokenizer, streaming, postprocessing. So a text that goes in can
be compared, byte by byte, with what comes out, whatever a model would have made of it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.rehearsal.engine import Engine, OnToken, Sampling
from recipes.rehearsal.models import tensorrt_llm
from recipes.rehearsal.text import load_tokenizer
from tests.recipes.clients.words import ALL, BEGINS, DIES, END, FAULT, PAUSE, START

AT_ONCE = 32  # answers, each begun when it is asked for, as an engine with in-flight batching does


class Echo:
    """Answers with the last turn of a conversation, or with the whole of a prompt that is none."""

    vocabulary, positions = 512, 1 << 16

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.pause = float(os.environ.get(PAUSE, "0.0005"))  # so that a client can go in between
        (self.end,) = self.tokenizer.encode(END, add_special_tokens=False).ids

    def generate(self, prompts: Sequence[Sequence[int]], limit: int, sampling: Sampling, on_token: OnToken) -> None:
        """One prompt after the other: the tokens of the answer, then the end token; `min_length` says it again."""
        print(BEGINS, flush=True)
        for place, prompt in enumerate(prompts):
            said = self.answer(prompt)
            if self.tokenizer.decode(said) == DIES:
                print(FAULT, flush=True)
                os.kill(os.getppid(), signal.SIGKILL)
            whole = (said * (sampling.min_length // max(len(said), 1) + 1) + [self.end])[:limit]
            for token in whole:
                time.sleep(self.pause)
                if on_token(place, token, 0.0):
                    break

    def answer(self, prompt: Sequence[int]) -> list[int]:
        """The tokens of what was asked last."""
        text = self.tokenizer.decode(list(prompt), skip_special_tokens=False)
        if ALL in text:
            text = text.replace(START, "<").replace(END, ">").replace("\n", " ")
        elif START in text:
            text = text.rpartition(END)[0].rpartition(START)[2].partition("\n")[2]
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids


class TritonPythonModel(tensorrt_llm.TritonPythonModel):
    """The stand-in with this engine in it."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """As the stand-in's, with a worker for each answer."""
        tensorrt_llm.WORKERS, tensorrt_llm.LARGEST = AT_ONCE, 1
        super().initialize(args)

    def load(self, folder: Path) -> Engine:
        """The echo, with the tokenizer of the checkpoint."""
        return Echo(Path(self.manifest.checkpoint))
