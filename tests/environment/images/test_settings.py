"""Configuration files are written by hand: what is off in them is said, and is no bug of the toolkit."""

from __future__ import annotations

import pytest

from environment.errors import Usage
from environment.images.settings import Settings, checked_settings


@pytest.mark.parametrize("said", [None, {}, {"registry": None}, {"registry": "", "ca": ""}])
def test_nothing_said_is_nothing_set(said: object) -> None:
    assert checked_settings(said) == Settings()


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (5, "Expected `object`, got `int`"),
        (["a"], "Expected `object`, got `array`"),
        ({"registry": 5}, "Expected `str`, got `int` - at `$.registry`"),
        ({"ca": ["a"]}, "at `$.ca`"),
        ({"regisrty": "a:5000"}, "unknown field `regisrty`"),
    ],
)
def test_what_is_off_is_named(said: object, fault: str) -> None:
    with pytest.raises(Usage) as caught:
        checked_settings(said)
    assert fault in caught.value.what
    assert "invoke.yaml" in caught.value.mend
