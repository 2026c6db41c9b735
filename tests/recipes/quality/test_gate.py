"""The gate before the real Triton: a right server passes, a wrong one is an error with exit code 1, unknown is 3."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from environment.errors import Undetermined
from environment.unknown import Unknown
from recipes.ask import Target
from recipes.quality import gate
from recipes.quality.agreement import Agreement, Least, Pair
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.quality.test_reference import WRONG_TEMPLATES, shuffle
from tests.recipes.rehearsal.checkpoints import CONFIG, random_weights, write_checkpoint
from tests.recipes.rehearsal.conftest import Home, make_home

triton = pytest.mark.triton
LEAST = Least(ratio=0.5, reason="x")
NOWHERE = Target(address="127.0.0.1:9", tokenizer="/c")
DIFFERS = "the server does not answer as its checkpoint does"


def agreement(answered: str) -> Agreement:
    return Agreement(pairs=(Pair(question="q", expected="right", answered=answered),), least=LEAST, source="s")


def test_a_verdict_is_one_of_three_and_unknown_is_never_agrees() -> None:
    assert gate.verdict(agreement("right")) == "agrees"
    assert gate.verdict(agreement("wrong")) == "differs"
    assert gate.document(Unknown("why")) == {"verdict": "unknown", "reason": "why"}
    assert gate.judge(NOWHERE, Unknown("why"), gate.ENGINE) == Unknown("why")  # and nobody was asked


def test_what_differs_is_told_with_both_answers_and_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    gate.settle(agreement("right"), NOWHERE)
    with pytest.raises(gate.Differs) as caught:
        gate.settle(agreement("wrong"), NOWHERE)
    assert caught.value.code == 1
    assert "expected right\n  answered wrong" in str(caught.value)
    with pytest.raises(Undetermined) as unknown:
        gate.settle(Unknown("no answers"), NOWHERE)
    assert unknown.value.code == 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = make_home(tmp_path_factory.mktemp("home"), 18000 + os.getpid() % 1000)
    made.serve()
    yield made
    made.close()


def noted(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.workspace / "runs" / "qwen2" / gate.RECORD).read_text())
    return found


@triton
def test_a_rehearsal_agrees_wholly_and_its_run_says_so(home: Home) -> None:
    assert home.run.quality == "agrees"
    found = noted(home)
    assert (found["schema"], found["verdict"], found["ratio"]) == ("quality/1", "agrees", 1.0)
    assert len(found["answers"]) == 6
    assert "100%" in home.invoke("quality").stderr
    assert json.loads(home.invoke("quality", "--json").stdout)["ratio"] == 1.0


@triton
def test_a_server_of_another_checkpoint_is_seen(home: Home, tmp_path: Path) -> None:
    """The same shape, tokenizer and template, other weights: as if another checkpoint's engine were served."""
    other = write_checkpoint(tmp_path / "other", CONFIG, random_weights(CONFIG, bias=False))
    words = ("--url", home.run.address, "--model-dir", str(other))
    assert "nobody has recorded" in home.invoke("quality", *words, code=3).stderr
    assert DIFFERS in home.invoke("quality", *words, "--compute", code=1).stderr


@triton
def test_answers_of_a_server_can_be_kept_for_the_engines_after_it(home: Home, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "other", CONFIG, random_weights(CONFIG, bias=False))
    words = ("--url", home.run.address, "--model-dir", str(other))
    assert "Kept in" in home.invoke("quality", *words, "--keep").stderr
    assert "kept from the server" in home.invoke("quality", *words, "--json").stdout


@triton
def test_without_a_checkpoint_there_is_nothing_to_compare_with(home: Home) -> None:
    assert "--model-dir" in home.invoke("quality", "--url", home.run.address, code=2).stderr


def changed(tmp_path: Path, **fields: Any) -> Path:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "changed"))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return folder


def refused(home: Home, folder: Path) -> str:
    """What `serve` says of a wrong checkpoint; nothing of the server is left, its answers are."""
    said = home.serve("--model-dir", str(folder), code=1).stderr
    assert DIFFERS in said
    assert "answered" in said
    assert noted(home)["verdict"] == "differs"
    assert "no server is running" in home.invoke("status").stdout
    return said


@triton
@pytest.mark.parametrize("name", ["llama 2", "no last line break"])
def test_serve_refuses_a_wrong_chat_template(name: str, empty_home: Home, tmp_path: Path) -> None:
    assert "chat template" in refused(empty_home, changed(tmp_path, chat_template=WRONG_TEMPLATES[name]))


@triton
def test_serve_refuses_a_wrong_tokenizer_and_no_quality_serves_it_all_the_same(
    empty_home: Home, tmp_path: Path
) -> None:
    folder = changed(tmp_path)
    shuffle(folder / "tokenizer.json")
    refused(empty_home, folder)
    assert "Quality" not in empty_home.serve("--model-dir", str(folder), "--no-quality").stderr
    assert empty_home.run.quality == ""


@triton
def test_a_users_checkpoint_is_computed_beside_the_start(empty_home: Home, tmp_path: Path) -> None:
    own = write_checkpoint(tmp_path / "own", CONFIG, random_weights(CONFIG, bias=False))
    said = empty_home.serve("--model-dir", str(own), "--max-tokens", "40").stderr
    assert "100% agreement" in said
    assert empty_home.run.quality == "agrees"
    assert "CTranslate2" in noted(empty_home)["reference"]
