"""Sizes from the shape, against numbers worked out by hand from the models' config.json."""

from __future__ import annotations

import pytest

from recipes.sizes import checkpoint_bytes, kv_cache_bytes, rank_bytes, weights_bytes
from tests.recipes.deployments import deployment


def test_a_checkpoint_is_half_precision() -> None:
    """Qwen2-72B-Instruct has 145,412,518,888 bytes of safetensors on the hub: headers come on top of the weights."""
    assert checkpoint_bytes(deployment("qwen2-72b")) == 145_412_407_296
    assert 0 < 145_412_518_888 - checkpoint_bytes(deployment("qwen2-72b")) < 200_000


@pytest.mark.parametrize(("quant", "share"), [("none", 2.0), ("fp8", 1.0), ("int8_wo", 1.0), ("int4_wo", 0.5)])
def test_quantized_weights_are_as_small_as_their_bits(quant: str, share: float) -> None:
    made = deployment("llama2-13b", quant=quant)
    assert weights_bytes(made) == int(13_015_864_320 * share)


def test_the_kv_cache_of_llama_2_13b_is_800_kb_a_token() -> None:
    """2 tensors x 40 layers x 40 heads x 128 x 2 bytes = 819,200 bytes a token."""
    made = deployment("llama2-13b")
    assert kv_cache_bytes(made) == 819_200 * made.kv_cache_tokens
    assert kv_cache_bytes(deployment("llama2-13b", tp=2)) * 2 == kv_cache_bytes(made)
    assert kv_cache_bytes(deployment("llama2-13b", pp=2)) * 2 == kv_cache_bytes(made)
    assert kv_cache_bytes(deployment("llama2-13b", kv_cache_dtype="fp8", quant="int4_wo")) * 2 == kv_cache_bytes(made)


def test_more_ranks_than_key_value_heads_share_none() -> None:
    two, four = (kv_cache_bytes(deployment("chatglm3", tp=tp)) for tp in (2, 4))
    assert two == four


def test_a_rank_holds_its_share_and_one_longest_request() -> None:
    made = deployment("qwen2", tp=4)
    assert rank_bytes(made) == weights_bytes(made) // 4 + kv_cache_bytes(made) // 8
