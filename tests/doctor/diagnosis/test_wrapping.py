from doctor.diagnosis.wrapping import NARROWEST, Unwrapped

LONG = b"x" * NARROWEST


def test_joined_text_knows_its_lines() -> None:
    view = Unwrapped(b"ab\n\ncde\nf")
    assert view.text == b"abcdef"
    assert [view.line(at) for at in range(6)] == [0, 0, 2, 2, 2, 3]


def test_only_long_lines_can_have_been_cut() -> None:
    view = Unwrapped(LONG + b"\n" + LONG + b"\nshort\nend")
    assert view.cut_by_a_terminal(10, NARROWEST + 10)
    assert view.cut_by_a_terminal(10, 2 * NARROWEST + 3)
    assert not view.cut_by_a_terminal(10, 2 * NARROWEST + 6)


def test_what_stands_on_one_line_was_not_cut() -> None:
    assert not Unwrapped(LONG + b"\nb").cut_by_a_terminal(1, 5)
