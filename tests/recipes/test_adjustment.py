from __future__ import annotations

from pathlib import Path

import pytest

from environment.docker_run import launch
from environment.errors import Usage
from environment.workspace import Workspace
from recipes.adjustment import Adjustment, adjusted, check, refuse_port, without_gpus
from recipes.deployment import Ports, deploy
from recipes.serve import plan

DEPLOYMENT = deploy("qwen2", workspace=Workspace(Path("/srv/trtllm")), ports=Ports(), tp=2)
PLAN = plan(DEPLOYMENT, "1:1")


def started(asked: Adjustment) -> tuple[str, ...]:
    return next(step.argv for step in adjusted(PLAN, asked).steps if step.tool == "docker")


def test_nothing_said_nothing_changed() -> None:
    assert adjusted(PLAN, Adjustment()) == PLAN


def test_what_is_said_is_in_the_words_that_are_carried_out() -> None:
    asked = Adjustment(restart="unless-stopped", env_file="/tmp/env", expose=True)
    server = launch(started(asked))
    assert server.one("--restart") == "unless-stopped"
    assert server.one("--env-file") == "/tmp/env"
    assert [text.partition(":")[0] for text in server.all("--publish")] == ["0.0.0.0"] * 3  # noqa: S104


def test_another_question_is_asked_instead() -> None:
    (before,) = (step.argv for step in PLAN.steps if step.argv[:2] == ("./inv", "ask"))
    asked = adjusted(PLAN, Adjustment(question="who?", max_tokens=7))
    (after,) = (step.argv for step in asked.steps if step.argv[:2] == ("./inv", "ask"))
    assert after == ("./inv", "ask", "who?", *before[3:], "--max-tokens", "7")
    assert [step for step in asked.steps if step.argv != after] == [step for step in PLAN.steps if step.argv != before]
    (shorter,) = (step.argv for step in adjusted(asked, Adjustment(max_tokens=5)).steps if step.argv[:2] == after[:2])
    assert shorter == (*after[:-1], "5")


def test_an_answer_longer_than_the_engine_gives_is_refused_before_it_is_built() -> None:
    with pytest.raises(Usage, match="--max-tokens 1025 is more than the 1024 that the engine gives"):
        adjusted(PLAN, Adjustment(max_tokens=1025), DEPLOYMENT.max_output_len)
    adjusted(PLAN, Adjustment(max_tokens=1024), DEPLOYMENT.max_output_len)


def test_a_port_of_no_endpoint_is_refused() -> None:
    with pytest.raises(Usage, match="none was asked for"):
        refuse_port({"openai": 9001}, openai=False)
    refuse_port({"openai": 9001}, openai=True)
    refuse_port({}, openai=False)


def test_without_it_every_port_is_on_the_loopback_address() -> None:
    assert {text.partition(":")[0] for text in launch(started(Adjustment())).all("--publish")} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "asked",
    [
        Adjustment(restart="sometimes"),
        Adjustment(restart="on-failure:0"),
    ],
)
def test_what_cannot_be_is_refused(asked: Adjustment) -> None:
    with pytest.raises(Usage):
        check(asked)


def test_a_host_without_gpus_is_asked_for_none() -> None:
    words = launch((*without_gpus(PLAN.in_image), "true"))
    assert not words.all("--gpus")
    assert words.all("--ulimit") == ("stack=67108864",)
    assert words.all("--cap-drop") == ("ALL",)
