"""Which model of a repository clients ask: the ensemble, or the BLS model where it can repeat whole text.

Upstream's postprocessing decodes the tokens that one response brings, so `ensemble` sends U+FFFD where a character is
split over tokens. `tensorrt_llm_bls` with `accumulate_tokens` decodes all tokens so far each time
(triton-inference-server/tensorrtllm_backend@v0.16.0:docs/model_config.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from environment.contracts import placeholders

ENSEMBLE, BLS, ACCUMULATE = "ensemble", "tensorrt_llm_bls", "accumulate_tokens"


@dataclass(frozen=True, kw_only=True)
class Front:
    """The model that clients ask, and whether each of its responses repeats the answer so far."""

    model: str = ENSEMBLE
    accumulates: bool = False


def front(of_bls: Iterable[str]) -> Front:
    """The front of a repository whose BLS model has these placeholders: none when it has no such model."""
    return Front(model=BLS, accumulates=True) if ACCUMULATE in of_bls else Front()


def front_of(tag: str) -> Front:
    """The front of a release's own templates."""
    return front(placeholder.name for placeholder in placeholders(tag).get(BLS, ()))
