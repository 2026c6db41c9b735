"""The one door to CTranslate2: the engine that runs a converted model, and the blank that conversion fills."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.rehearsal.architecture import Decoder
from recipes.rehearsal.engine import OnToken, Sampling


class CTranslate2:
    """CTranslate2 on the CPU. It knows no end tokens: whoever listens to the tokens says when an answer ends."""

    def __init__(self, folder: Path, *, vocabulary: int, positions: int, workers: int, threads: int) -> None:
        import ctranslate2

        self.vocabulary, self.positions = vocabulary, positions
        self._library: Any = ctranslate2
        self._generator = ctranslate2.Generator(str(folder), device="cpu", inter_threads=workers, intra_threads=threads)

    def generate(self, prompts: Sequence[Sequence[int]], limit: int, sampling: Sampling, on_token: OnToken) -> None:
        """See `Engine`. A seed sets the library's one random state, so it is exact for one request at a time."""
        if sampling.seed is not None:
            self._library.set_random_seed(sampling.seed % 2**32)  # which takes no longer one, as Triton's tensor does
        self._generator.generate_batch(
            [[str(token) for token in prompt] for prompt in prompts],
            max_length=limit,
            min_length=sampling.min_length,
            end_token=[],
            include_prompt_in_result=False,
            sampling_topk=sampling.top_k,
            sampling_topp=sampling.top_p,
            sampling_temperature=sampling.temperature,
            repetition_penalty=sampling.repetition_penalty,
            suppress_sequences=[[str(token) for token in word] for word in sampling.bad_words] or None,
            return_scores=True,
            callback=lambda step: on_token(step.batch_id, step.token_id, step.log_prob or 0.0),
        )


def blank(decoder: Decoder) -> Any:
    """The specification of a model of this shape, whose weights are still to be set."""
    from ctranslate2.specs import attention_spec, common_spec, transformer_spec

    rotary = decoder.rotary
    scaling = getattr(attention_spec.RotaryScalingType, rotary.scaling) if rotary.scaling else None
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        decoder.layers,
        decoder.heads,
        activation=common_spec.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        rotary_scaling_type=scaling,
        rotary_scaling_factor=rotary.factor,
        rotary_base=rotary.theta,
        original_max_position_embeddings=rotary.original_positions,
        max_position_embeddings=decoder.positions,
        num_heads_kv=None if decoder.kv_heads == decoder.heads else decoder.kv_heads,
        head_dim=decoder.head_size,
    )
    spec.decoder.scale_embeddings = False
    for layer in spec.decoder.layer if rotary.scaling == "Llama3" else ():
        layer.self_attention.rotary_low_freq_factor = rotary.low_frequency
        layer.self_attention.rotary_high_freq_factor = rotary.high_frequency
    return spec
