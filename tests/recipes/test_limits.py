"""Limits that nobody asked for give way to the model; limits that somebody asked for are refused instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.errors import Usage
from recipes.recipe import find
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.deployments import deployment


def test_the_recipes_own_limits_shrink_to_a_smaller_model_in_proportion() -> None:
    small = deployment(model_dir=str(SHIPPED))
    assert (small.max_input_len, small.max_output_len) == (1536, 512)
    assert small.recipe.shape.max_positions == 2048


@pytest.mark.parametrize("positions", [0, 1, 2, 3, 4095, 4096, 100_000])
def test_they_never_shrink_to_nothing(positions: int) -> None:
    limits = find("qwen2").limits.within(positions)
    assert min(limits.max_input_len, limits.max_output_len) >= 1
    assert positions < 2 or limits.max_input_len + limits.max_output_len <= max(positions, 4096)


def test_a_limit_that_was_asked_for_is_refused_with_both_values() -> None:
    with pytest.raises(Usage, match="the model knows 2048 positions"):
        deployment(model_dir=str(Path(SHIPPED)), limits={"max_input_len": 2048})
