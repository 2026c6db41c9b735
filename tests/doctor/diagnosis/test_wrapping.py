import pytest

from doctor.diagnosis.wrapping import MOST, NARROWEST, Reflowed, Unwrapped

LONG = b"x" * NARROWEST
SENTENCE = b"the model expects 3 dimensions (shape [-1,300,80]) but the model"


def test_joined_text_knows_its_lines() -> None:
    view = Unwrapped(b"ab\n\ncde\nf")
    assert view.text == b"abcdef"
    assert [view.line(at) for at in range(6)] == [0, 0, 2, 2, 2, 3]


def test_only_long_lines_can_have_been_cut() -> None:
    view = Unwrapped(LONG + b"\n" + LONG + b"\nshort\nend")
    assert view.was_cut(10, NARROWEST + 10)
    assert view.was_cut(10, 2 * NARROWEST + 3)
    assert not view.was_cut(10, 2 * NARROWEST + 6)


def test_what_stands_on_one_line_was_not_cut() -> None:
    assert not Unwrapped(LONG + b"\nb").was_cut(1, 5)


def test_a_page_breaks_between_words() -> None:
    view = Reflowed(b"> a b\n>   c\n\nd")
    assert view.text == b"a b c  d"
    assert [view.line(at) for at in range(8)] == [0, 0, 0, 0, 1, 1, 2, 3]


def test_a_sentence_goes_on_in_the_next_line() -> None:
    view = Reflowed(SENTENCE + b"\n    configuration specifies 3 dimensions\n")
    assert view.was_cut(4, len(SENTENCE) + 10)
    assert not view.was_cut(4, 20)


STARTS = [b"[TRT-LLM] [E] ", b"2024-05-01 ", b"E0101 10:00:00.1 1 a.cc:1] ", b"ERROR: ", b"* ", b"-----", b""]


@pytest.mark.parametrize("start", STARTS)
def test_the_next_line_of_a_log_is_no_part_of_this_one(start: bytes) -> None:
    view = Reflowed(SENTENCE + b"\n" + start + b"\nmore of it")
    assert not view.was_cut(4, len(view.text))


def test_a_short_line_was_not_broken_by_a_page() -> None:
    assert not Reflowed(b"error: failed to load\nthe model").was_cut(7, 28)


def test_a_message_does_not_take_a_whole_page() -> None:
    page = Reflowed(b"\n".join([SENTENCE] * (MOST + 1)))
    assert page.was_cut(4, MOST * len(SENTENCE))
    assert not page.was_cut(4, (MOST + 1) * len(SENTENCE))
