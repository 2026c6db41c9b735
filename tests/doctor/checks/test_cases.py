"""Every check says what its cases expect, in both languages, and has cases that pass, complain and do not know."""

from __future__ import annotations

import importlib
from itertools import chain
from pathlib import Path

import pytest

from doctor.checks.registry import CHECKS
from doctor.checks.texts import LANGUAGES, texts
from doctor.examination import outcome
from doctor.outcome import NotAsked, NotKnown, State
from tests.doctor.well import WELL, Case, changed

MODULES = [path.stem for path in sorted(Path(__file__).parent.glob("test_*.py")) if path.stem != "test_cases"]
CASES: list[Case] = list(
    chain.from_iterable(importlib.import_module(f"{__package__}.{name}").CASES for name in MODULES)
)
BY_ID = {check.id: check for check in CHECKS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.says}")
def test_a_check_says_what_it_must(case: Case) -> None:
    try:
        said = BY_ID[case.id].judge(changed(WELL, case.changes)).says
    except NotKnown:
        said = "unknown"
    except NotAsked:
        said = "skip"
    assert said == case.says


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.says}")
def test_it_has_words_for_it(case: Case, language: str) -> None:
    told = outcome(BY_ID[case.id], changed(WELL, case.changes), texts(language))
    assert not told.crashed, told.message
    assert told.title
    assert told.message
    assert "{" not in told.message
    assert told.fix or told.state in {State.PASS, State.NOTE, State.SKIP, State.UNKNOWN}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_has_a_case_that_passes_one_that_complains_and_one_that_does_not_know(check: object) -> None:
    said = {case.says.partition("-")[0] for case in CASES if case.id == getattr(check, "id", "")}
    assert "pass" in said
    assert "unknown" in said
    assert said & {"fail", "warn", "note"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_no_check_says_worse_than_it_declares(check: object) -> None:
    order = ["pass", "note", "warn", "fail"]
    worst = getattr(check, "worst", State.FAIL).value
    said = {case.says.partition("-")[0] for case in CASES if case.id == getattr(check, "id", "")} & set(order)
    assert max(said, key=order.index) == worst
