"""Request tensors that releases name differently. Which name a server takes is read from its own model. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from environment.errors import Trouble

T = TypeVar("T")
# The newest first: all_models/inflight_batcher_llm/ensemble/config.pbtxt, from v0.20.0 on in NVIDIA/TensorRT-LLM
# (triton_backend), before in triton-inference-server/tensorrtllm_backend.
SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"min_tokens": ("min_tokens", "min_length"), "seed": ("seed", "random_seed")}
)


def unsettled(names: Iterable[str]) -> bool:
    """Whether one of these names has to be asked for: the others are the same in every release."""
    return any(name in SPELLINGS for name in names)


def settled(tensors: Mapping[str, T], inputs: Collection[str], model: str) -> dict[str, T]:
    """The tensors under the names that are among the model's `inputs`; raises Trouble for one it has by no name."""
    return {_name(name, inputs, model): value for name, value in tensors.items()}


def _name(name: str, inputs: Collection[str], model: str) -> str:
    spellings = SPELLINGS.get(name)
    if spellings is None:
        return name
    found = next((spelling for spelling in spellings if spelling in inputs), None)
    if found is None:
        why = f"it has no input {' or '.join(spellings)}"
        raise Trouble(f"the served model {model} takes no {name}", why=why, mend=f"leave {name.replace('_', '-')} out")
    return found
