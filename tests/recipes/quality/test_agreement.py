from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.quality.agreement import Agreement, Least, Pair, Reference, compare, questions

LEAST = Least(ratio=0.5, reason="x")


def pair(expected: str, answered: str) -> Pair:
    return Pair(question="q", expected=expected, answered=answered)


@pytest.mark.parametrize(
    ("expected", "answered", "share"),
    [
        ("猎豹🐆,时速", "猎豹🐆,时速", 1.0),
        ("abcd", "abXY", 0.5),
        ("abcd", "Xbcd", 0.0),
        ("abcd", "ab", 0.5),
        ("ab", "abcd", 0.5),
        ("", "", 1.0),
        ("", "x", 0.0),
        ("Paris", " Paris\n", 1.0),
        ("猎豹", "猎豹\N{REPLACEMENT CHARACTER}", 1.0),
        ("猎豹", "猎\N{REPLACEMENT CHARACTER}豹", 1 / 3),
    ],
)
def test_the_share_is_the_common_beginning_of_the_longer_answer(expected: str, answered: str, share: float) -> None:
    assert pair(expected, answered).share == share
    assert pair(answered, expected).share == share


@given(st.text(), st.text())
def test_a_share_is_a_share(one: str, other: str) -> None:
    assert 0 <= pair(one, other).share <= 1
    assert pair(one, one).share == 1


def test_the_ratio_is_the_mean_and_the_least_decides() -> None:
    reference = Reference(checkpoint="x", source="s", answers={"a": "abcd", "b": "abcd"})
    found = compare(reference, {"a": "abcd", "b": "Xbcd"}, LEAST)
    assert (found.ratio, found.met) == (0.5, True)
    assert not compare(reference, {"a": "abcX", "b": "Xbcd"}, LEAST).met
    assert isinstance(found, Agreement)


def test_every_threshold_has_its_reason_and_a_rehearsal_must_agree_wholly() -> None:
    asked = questions()
    assert set(asked.least) == {"rehearsal", "engine"}
    assert asked.least["rehearsal"].ratio == 1.0
    assert all(0 < least.ratio <= 1 and least.reason for least in asked.least.values())
    assert len(set(asked.asked)) == len(asked.asked) >= 5
