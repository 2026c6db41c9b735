"""What is asked for is checked when it is said, with both values and what would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environment.errors import Trouble, Usage
from recipes.deployment import Ports
from tests.recipes.deployments import deployment


def test_what_is_not_said_is_the_recipes_own() -> None:
    made = deployment(tp=4)
    assert (made.name, made.release.tag, made.dtype, made.image) == ("qwen2", "v0.10.0", "float16", "trtllm:v0.10.0")
    assert (made.world_size, made.max_seq_len, made.kv_cache_tokens) == (4, 4096, 8 * 4096)
    assert made.kv_cache_tokens >= made.max_seq_len


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tp": 0}, "--tp 0 is less than 1"),
        ({"pp": -1}, "--pp -1 is less than 1"),
        ({"tp": 3}, "--tp 3 does not divide the model: 28 attention heads, 4 key/value heads"),
        ({"tp": 8}, "use --tp 1 or 2 or 4"),
        ({"pp": 3}, "--pp 3 does not divide the model's 28 layers"),
        ({"limits": {"max_input_len": 32768}}, "33792 tokens, the model knows 32768 positions"),
        ({"limits": {"max_batch_size": -2}}, "--max-batch-size -2 is less than 1"),
        ({"tag": "v0.10"}, "did you mean 'v0.10.0'?"),
        ({"recipe": "qwen"}, "did you mean 'qwen2'?"),
        ({"name": "a/../b"}, "'a/../b' is no usable name"),
        ({"name": "x" * 129}, "at most 128"),
        ({"model_dir": "/models/with space"}, "can be given neither to a container nor to Triton"),
        ({"model_dir": "/models/a:b"}, "can be given neither to a container nor to Triton"),
        ({"model_dir": "/models/$(id)"}, "can be given neither to a container nor to Triton"),
    ],
)
def test_a_bad_value_is_refused_with_what_would_do(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Usage) as caught:
        deployment(**options)
    assert words in str(caught.value)


def test_a_release_too_old_says_the_first_that_can_and_why() -> None:
    with pytest.raises(Trouble, match=r"first in v0\.10\.0, because .*qwen_type") as caught:
        deployment(tag="v0.9.0")
    assert caught.value.mend == "use --tag v0.10.0"


@pytest.mark.parametrize(("http", "grpc"), [(0, 1), (70000, 1), (8001, 8001)])
def test_ports_are_three_different_usable_ones(http: int, grpc: int) -> None:
    with pytest.raises(Usage):
        Ports(http=http, grpc=grpc)


def test_the_identity_is_of_everything_that_decides_the_engine_and_of_nothing_else() -> None:
    base = deployment().identity()
    assert deployment(name="other", ports=Ports(http=9000)).identity() == base
    others: list[dict[str, Any]] = [
        {"tp": 2},
        {"pp": 2},
        {"tag": "v0.11.0"},
        {"dtype": "bfloat16"},
        {"limits": {"max_batch_size": 4}},
        {"limits": {"max_input_len": 1024}},
        {"limits": {"max_output_len": 512}},
        {"model_dir": "/models/mine"},
    ]
    identities = {deployment(**other).identity() for other in others}
    assert len(identities | {base}) == len(others) + 1


def test_a_users_checkpoint_is_taken_where_it_lies() -> None:
    assert deployment(model_dir="/models/mine").checkpoint_dir == str(Path("/models/mine"))
