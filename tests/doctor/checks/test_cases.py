"""Every check says what its cases expect, in both languages, and has cases that pass, complain and do not know."""

from __future__ import annotations

import importlib
from itertools import chain
from pathlib import Path

import pytest

from doctor.checks.registry import CHECKS
from doctor.checks.texts import LANGUAGES, texts
from doctor.examination import outcome
from doctor.outcome import Check, NotAsked, NotKnown, State
from doctor.subject import Subject
from tests.doctor.well import WELL, Case, changed

MODULES = [path.stem for path in sorted(Path(__file__).parent.glob("test_*.py")) if path.stem != "test_cases"]
CASES: list[Case] = list(
    chain.from_iterable(importlib.import_module(f"{__package__}.{name}").CASES for name in MODULES)
)
BY_ID = {check.id: check for check in CHECKS}


def cases_of(check: Check[Subject]) -> list[Case]:
    return [case for case in CASES if case.id == check.id]


def said(case: Case) -> str:
    """What the check says of the case, or that it does not know, or was not asked."""
    try:
        return BY_ID[case.id].judge(changed(WELL, case.changes)).says
    except NotKnown:
        return "unknown"
    except NotAsked:
        return "skip"


def test_every_case_is_of_a_check() -> None:
    assert {case.id for case in CASES} == set(BY_ID)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_says_what_it_must(check: Check[Subject]) -> None:
    for case in cases_of(check):
        assert said(case) == case.says, case.changes


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_it_has_words_for_it(check: Check[Subject], language: str) -> None:
    for case in cases_of(check):
        told = outcome(check, changed(WELL, case.changes), texts(language))
        assert not told.crashed, told.message
        assert told.title
        assert told.message
        assert "{" not in told.message
        assert told.fix or told.state in {State.PASS, State.NOTE, State.SKIP, State.UNKNOWN}, case.says


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_it_has_a_case_that_passes_one_that_complains_and_one_that_does_not_know(check: Check[Subject]) -> None:
    found = {case.says.partition("-")[0] for case in cases_of(check)}
    assert "pass" in found
    assert "unknown" in found
    assert found & {"fail", "warn", "note"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_no_check_says_worse_than_it_declares(check: Check[Subject]) -> None:
    order = ["pass", "note", "warn", "fail"]
    found = {case.says.partition("-")[0] for case in cases_of(check)} & set(order)
    assert max(found, key=order.index) == check.worst.value
