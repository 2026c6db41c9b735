"""Which model clients ask, by release."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.workspace import Workspace
from recipes.container_runs import asked_of
from recipes.deployment import Ports, deploy
from recipes.front import BLS, ENSEMBLE, Front, front, front_of
from recipes.serve import plan


@pytest.mark.parametrize(("tag", "model"), [("v0.5.0", ENSEMBLE), ("v0.7.0", BLS), ("v0.10.0", BLS), ("v0.19.0", BLS)])
def test_a_release_with_a_bls_model_that_accumulates_is_asked_there(tag: str, model: str) -> None:
    assert front_of(tag) == Front(model=model, accumulates=model == BLS)


def test_a_bls_model_that_cannot_accumulate_is_not_asked() -> None:
    assert front(("triton_max_batch_size", "decoupled_mode")) == Front()


def test_the_plan_fills_asks_and_carries_out_the_same() -> None:
    deployment = deploy("qwen2", workspace=Workspace(Path("/srv")), ports=Ports(), limits={"max_batch_size": 16})
    planned = plan(deployment, "1:1")
    filled = planned.templates[BLS]
    assert (filled["accumulate_tokens"], filled["bls_instance_count"]) == ("True", "16")
    (asks,) = (step.argv for step in planned.steps if step.argv[:2] == ("./inv", "ask"))
    asked = asked_of(asks)
    assert (asked.model, asked.accumulates, asked.address) == (BLS, True, "127.0.0.1:8001")
