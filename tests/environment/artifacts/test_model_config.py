from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.artifacts.heads import Damaged
from environment.artifacts.model_config import SIZE_LIMIT, Config, parse_config

GOOD = """
name: "tensorrt_llm"
backend: "tensorrtllm"
max_batch_size: 8
model_transaction_policy { decoupled: true }
input [ { name: "input_ids" data_type: TYPE_INT32 dims: [ -1 ] } ]
output [ { name: "output_ids" data_type: TYPE_INT32 dims: [ -1, -1 ] } ]
instance_group [ { count: 2 kind: KIND_CPU }, { kind: KIND_CPU } ]
parameters: { key: "engine_dir" value: { string_value: "/engines" } }
"""


def test_reads_what_a_deployment_must_agree_on() -> None:
    assert parse_config(GOOD) == Config(
        name="tensorrt_llm",
        backend="tensorrtllm",
        max_batch_size=8,
        decoupled=True,
        instances=3,
        inputs=("input_ids",),
        outputs=("output_ids",),
        parameters=(("engine_dir", "/engines"),),
    )


def test_reads_the_steps_of_an_ensemble() -> None:
    text = 'platform: "ensemble" ensemble_scheduling { step [ { model_name: "a" }, { model_name: "b" } ] }'
    found = parse_config(text)
    assert isinstance(found, Config)
    assert (found.platform, found.steps) == ("ensemble", ("a", "b"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name: "a"\nmax_batch_size: many', "2:17"),
        ('name: "a"\nnam: "b"', "2:1"),
        ('name: "a', "1:7"),
        ("input [", ""),
        ("max_batch_size: 99999999999999999999", ""),
        ('name: "a" name: "b"', ""),
        ("\0", ""),
    ],
)
def test_what_triton_cannot_parse_is_named_with_its_place(text: str, words: str) -> None:
    found = parse_config(text)
    assert isinstance(found, Damaged)
    assert words in found.reason


@pytest.mark.timeout(60)
def test_deep_and_long_text_is_refused_before_it_is_parsed() -> None:
    deep = parse_config("input { " * 100_000)
    assert isinstance(deep, Damaged)
    assert "nested" in deep.reason
    assert isinstance(parse_config("#" * (SIZE_LIMIT + 1)), Damaged)


@given(st.text(max_size=200) | st.text(alphabet='name:"{}[]<>${} 0,-\n', max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(parse_config(text), Config | Damaged)
