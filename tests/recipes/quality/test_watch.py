from __future__ import annotations

from pathlib import Path

import pytest

from environment.plan import Step
from environment.unknown import Unknown
from recipes import runs, serve
from recipes.adjustment import Adjustment, adjusted
from recipes.front import front_of
from recipes.quality import gate
from recipes.quality.agreement import Reference, questions
from recipes.quality.reference import Computing
from recipes.quality.watch import Watch
from tests.recipes.deployments import USER, deployment
from tests.recipes.test_runs import run

STEP = Step(title="t", tool=serve.QUALITY, argv=("x",))


class Known(Computing):
    """Answers that are there, and a note of when their computing was begun."""

    def __init__(self, told: list[str], found: Reference | Unknown) -> None:
        super().__init__(Path("/c"), Path("/k"))
        self.told, self.found = told, found

    def begin(self) -> None:
        self.told.append("begun")

    def result(self, patience: float) -> Reference | Unknown:
        assert 0 < patience < 60
        return self.found


def test_the_last_step_asks_whom_the_smoke_question_asks() -> None:
    asked, judged = serve.plan(deployment(recipe="qwen2"), USER).steps[-2:]
    assert asked.argv[1] == "ask"
    assert judged.argv[:3] == ("./inv", "quality", "--compute")
    for flag in ("--url", "--model", "--model-dir"):
        assert judged.argv[judged.argv.index(flag) + 1] == asked.argv[asked.argv.index(flag) + 1]
    assert ("--accumulates" in judged.argv) == ("--accumulates" in asked.argv) == front_of("v0.10.0").accumulates


def test_an_engine_whose_answers_are_too_short_is_not_judged() -> None:
    short = serve.plan(deployment(limits={"max_output_len": 23}), USER)
    assert short.steps[-1].argv[1] == "ask"


def test_no_quality_plans_no_such_step() -> None:
    whole = serve.plan(deployment(recipe="qwen2"), USER)
    assert adjusted(whole, Adjustment(quality=False)).steps == whole.steps[:-1]
    assert adjusted(whole, Adjustment()).steps == whole.steps


def test_the_answers_are_computed_while_the_server_starts(tmp_path: Path) -> None:
    told: list[str] = []
    watch = Watch(own=Known(told, Unknown("why")), name="qwen2", folder=tmp_path, kind=gate.ENGINE)
    acting = watch.actors(lambda *_: told.append("ready"))
    acting["curl"](("curl",), STEP, tmp_path)
    assert told == ["begun", "ready"]


def test_unknown_is_recorded_and_does_not_end_the_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run()
    runs.write(tmp_path, made)
    watch = Watch(own=Known([], Unknown("why")), name=made.name, folder=tmp_path, kind=gate.ENGINE)
    watch.hold(("x",), STEP, tmp_path)
    found = runs.read(tmp_path, made.name)
    assert found is not None
    assert found.quality == "unknown"


def test_answers_that_differ_end_the_carrying_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run()
    runs.write(tmp_path, made)
    asked = questions()
    right = Reference(checkpoint="x", source="s", answers=dict.fromkeys(asked.asked, "right"))
    monkeypatch.setattr(gate, "answered", lambda *_: dict.fromkeys(asked.asked, "wrong"))
    watch = Watch(own=Known([], right), name=made.name, folder=tmp_path, kind=gate.ENGINE)
    with pytest.raises(gate.Differs, match="does not answer as its checkpoint"):
        watch.hold(("x",), STEP, tmp_path)
    found = runs.read(tmp_path, made.name)
    assert found is not None
    assert found.quality == "differs"
