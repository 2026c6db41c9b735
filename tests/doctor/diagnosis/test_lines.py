"""What is shown of a line that is too long to be shown whole."""

from __future__ import annotations

import re

import pytest

from doctor.diagnosis.lines import TEXT_SHOWN, line_of

FAULT = "out of memory"


def shown(text: str) -> str:
    match = re.search(FAULT.encode(), text.encode())
    assert match
    return line_of(match, 7).text


def test_a_line_that_fits_is_shown_whole() -> None:
    assert shown(f"first\n{FAULT}{'!' * (TEXT_SHOWN - len(FAULT))}\nlast") == FAULT + "!" * (TEXT_SHOWN - len(FAULT))


@pytest.mark.parametrize("before", range(90, 120))
def test_a_long_line_begins_with_itself_or_at_a_word(before: int) -> None:
    begin = ("18:02:00 " * 20)[:before].rpartition(" ")[0] + " "
    text = shown(f"{begin}{FAULT} {'word ' * 200}")
    assert text.startswith("18:02:00 " if len(begin) <= 100 else "... 18:02:00 ")
    assert FAULT in text
    assert len(text) <= TEXT_SHOWN


@pytest.mark.parametrize("letter", ["x", "显", "🐆"])
def test_in_one_long_word_no_character_is_cut(letter: str) -> None:
    text = shown(letter * 500 + FAULT + " " + "x" * 1000)
    assert re.match(rf"\.\.\. {letter}+{FAULT}", text)


def test_a_fault_at_the_begin_of_a_long_line_begins_it() -> None:
    assert shown(f"one\n{FAULT} {'x' * 1000}").startswith(FAULT)
