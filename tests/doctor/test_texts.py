"""Both languages say the same things of the same checks, with the same values."""

from __future__ import annotations

import string

import pytest

from doctor.checks.registry import CHECKS
from doctor.checks.texts import filled, size, texts


def fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def test_ids_and_slugs_are_unique_and_every_check_has_texts() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids))
    assert len({check.slug for check in CHECKS}) == len(ids)
    assert set(texts("en").checks) == set(ids)


def test_both_languages_have_the_same_messages_with_the_same_values() -> None:
    for name, english in texts("en").checks.items():
        chinese = texts("zh").of(name)
        assert list(english) == list(chinese), name
        values = [{key: fields(text) for key, text in words.items()} for words in (english, chinese)]
        assert values[0] == values[1], name
        assert {"title", "why", "pass"} <= set(english), name


def test_every_special_remedy_belongs_to_a_message() -> None:
    for name, words in texts("en").checks.items():
        special = {key.removeprefix("fix-") for key in words if key.startswith("fix-")}
        assert special <= {key.partition("-")[2] for key in words if not key.startswith("fix")}, name


def test_the_shared_words_are_the_same_in_both_languages() -> None:
    for group, words in texts("en").common.items():
        assert {name: fields(text) for name, text in words.items()} == {
            name: fields(text) for name, text in texts("zh").common[group].items()
        }


def test_values_are_written_for_people() -> None:
    assert filled("{free:size} of {names}", {"free": 31_200_000_000, "names": ("a", "b")}) == "31.2 GB of a, b"
    assert [size(n) for n in (0, 999, 1000, 10**15)] == ["0 B", "999 B", "1 kB", "1e+03 TB"]


def test_a_message_without_its_value_is_our_bug() -> None:
    with pytest.raises(KeyError):
        filled("{missing}", {})


def test_values_reach_no_terminal_as_commands() -> None:
    assert filled("{name}: {names}", {"name": "\x1b[2J", "names": ["\x07", "ok"]}) == "\ufffd[2J: \ufffd, ok"
