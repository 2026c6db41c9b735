"""The CPU engine of a rehearsal behind a small interface: token ids in, token ids out, one callback a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

# Called with the prompt's place in the batch, the token id and its log probability; True ends that prompt's answer.
OnToken = Callable[[int, int, float], bool]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are chosen. Prompts are generated together only when these are equal. `top_k` 1 is greedy."""

    top_k: int = 1
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.0
    min_length: int = 0
    seed: int | None = None
    bad_words: tuple[tuple[int, ...], ...] = ()


class Engine(Protocol):
    """Anything that continues prompts of token ids."""

    vocabulary: int
    positions: int

    def generate(self, prompts: Sequence[Sequence[int]], limit: int, sampling: Sampling, on_token: OnToken) -> None:
        """Continues every prompt by at most `limit` tokens; returns when all have ended."""
