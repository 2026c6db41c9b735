"""What the CPU engine can run, and what it needs to know of a model. Pure: config.json in, `Decoder` or Trouble out.

Supported is the layout that Llama and Qwen2 share (huggingface/transformers, modeling_llama.py, modeling_qwen2.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from environment.artifacts.checkpoint import Model
from environment.errors import Trouble

ARCHITECTURES = ("Qwen2ForCausalLM", "LlamaForCausalLM")
ACTIVATIONS = ("silu", "swish")
SMALL = 4096  # layers x hidden size; measured: 512 runs 0.2 ms a token on one thread, slower on two
# Rotary scalings that CTranslate2 computes as transformers does; "default" is none.
SCALINGS: Mapping[str, str] = MappingProxyType({"linear": "Linear", "llama3": "Llama3"})
# Measured: CTranslate2 4.8 scales as if this were the original length, whatever is said.
BEGINNINGS: Mapping[str, int] = MappingProxyType({"llama3": 8192})


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """Rotary position embedding. `scaling` is CTranslate2's name of it, empty for none."""

    theta: float
    scaling: str = ""
    factor: float = 1.0
    low_frequency: float = 1.0
    high_frequency: float = 4.0
    original_positions: int = 0


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """A decoder-only transformer with grouped-query attention, gated SiLU and RMS norm. Sizes are in elements."""

    layers: int
    heads: int
    kv_heads: int
    head_size: int
    positions: int
    norm_epsilon: float
    tied: bool
    rotary: Rotary

    @property
    def small(self) -> bool:
        """Whether a second thread would cost more in waiting than it saves in computing."""
        return self.layers * self.heads * self.head_size < SMALL


def describe(model: Model, folder: str = "") -> Decoder:
    """The decoder that config.json describes; raises Trouble naming what the CPU engine does not run."""
    config = model.config
    fault = _unsupported(model, config)
    if fault:
        raise Trouble(f"the CPU engine of a rehearsal does not run this checkpoint: {fault}", where=folder, mend=_MEND)
    heads, hidden = model.heads, model.hidden_size
    if not (model.layers and heads and hidden and model.kv_heads and model.vocabulary):
        raise Trouble("config.json lacks layers, heads, hidden_size or vocab_size", where=folder, mend=_MEND)
    return Decoder(
        layers=model.layers,
        heads=heads,
        kv_heads=model.kv_heads,
        head_size=_whole(config.get("head_dim")) or hidden // heads,
        positions=model.max_positions or 2048,
        norm_epsilon=_real(config.get("rms_norm_eps"), 1e-6),
        tied=config.get("tie_word_embeddings") is True,
        rotary=rotary(config),
    )


_MEND = (
    f"rehearse with a checkpoint of {' or '.join(ARCHITECTURES)} in bfloat16, float16 or float32, or the shipped one"
)


def _unsupported(model: Model, config: Mapping[str, object]) -> str:
    """The first thing about the model that the engine would compute wrongly, or ''."""
    names = (
        f"it is {', '.join(model.architectures)}" if model.architectures else "its config.json names no architecture"
    )
    if not set(model.architectures) & set(ARCHITECTURES):
        return f"{names}, supported are {', '.join(ARCHITECTURES)}"
    if model.quantization:
        return f"its weights are quantized ({model.quantization})"
    if config.get("use_sliding_window") is True:
        return "it uses a sliding attention window"
    activation = config.get("hidden_act", ACTIVATIONS[0])
    if activation not in ACTIVATIONS:
        return f"its activation is {activation}"
    return _unsupported_scaling(*_scaling(config))


def _unsupported_scaling(kind: str, said: Mapping[str, object]) -> str:
    if kind and kind not in SCALINGS:
        return f"its rotary scaling is {kind!r}, supported are {', '.join(SCALINGS)}"
    beginning = BEGINNINGS.get(kind)
    positions = said.get("original_max_position_embeddings", beginning)
    if beginning is not None and positions != beginning:
        return f"its rotary scaling begins at {positions} positions, supported is {beginning}"
    return ""


def rotary(config: Mapping[str, object]) -> Rotary:
    """The rotary embedding, as transformers 4 (`rope_theta`, `rope_scaling`) or 5 (`rope_parameters`) writes it."""
    kind, said = _scaling(config)
    theta = said.get("rope_theta") or config.get("rope_theta")
    return Rotary(
        theta=_real(theta, 10000.0),
        scaling=SCALINGS.get(kind, ""),
        factor=_real(said.get("factor"), 1.0),
        low_frequency=_real(said.get("low_freq_factor"), 1.0),
        high_frequency=_real(said.get("high_freq_factor"), 4.0),
        original_positions=_whole(said.get("original_max_position_embeddings")),
    )


def _scaling(config: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """The kind of scaling ('' for none) and everything said beside it."""
    said = config.get("rope_parameters") or config.get("rope_scaling")
    if not isinstance(said, Mapping):
        return "", {}
    kind = str(said.get("rope_type") or said.get("type") or "")
    return ("" if kind == "default" else kind), said


def _real(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _whole(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
