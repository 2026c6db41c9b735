"""Which lines are shown of a failure that no row knows."""

from __future__ import annotations

from doctor.diagnosis.cause import explain
from doctor.diagnosis.course import Line
from doctor.diagnosis.first_errors import SHOWN, first_errors
from doctor.diagnosis.lines import TEXT_SHOWN
from doctor.diagnosis.symptoms import catalogue

FRAMES = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\n'


def shown(*texts: str) -> list[str]:
    lines = (Line(number=number, text=text) for number, text in enumerate(texts, 1))
    return [line.text for line in first_errors(catalogue(), lines)]


def unknown(*parts: str) -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in explain("\n".join(parts)).unknown]


def test_what_says_something_is_shown_before_what_only_says_that_it_failed() -> None:
    said = [f"Error: {word}" for word in ("sun", "moon", "star", "sky", "sea", "sand")]
    assert shown("make: *** [all] Error 1", *said) == said[:SHOWN]
    assert shown("make: *** [all] Error 1", *said[:2]) == ["make: *** [all] Error 1", *said[:2]]


def test_lines_that_differ_only_in_numbers_are_shown_once() -> None:
    assert shown("thread [0,1]: failed", "thread [0,2]: failed", "OddError: x") == [
        "thread [0,1]: failed",
        "OddError: x",
    ]


def test_a_traceback_is_shown_by_what_it_raised() -> None:
    assert unknown(f"{FRAMES}weird.Interrupted: the moon") == [(4, "weird.Interrupted: the moon")]
    assert unknown("[rank1]: " + "\n[rank1]: ".join(f"{FRAMES}weird.Interrupted: moon".split("\n"))) == [
        (4, "weird.Interrupted: moon")
    ]
    assert unknown("\n".join(map(str.strip, f"{FRAMES}weird.Interrupted: moon".split("\n")))) == [
        (4, "weird.Interrupted: moon")
    ]
    assert unknown(FRAMES) == [(1, "Traceback (most recent call last):")]


def test_of_chained_exceptions_the_first_comes_first() -> None:
    chained = f"{FRAMES}OddError: first\n\nDuring handling of the above exception, another exception occurred:\n"
    assert unknown(chained, f"{FRAMES}OddError: last") == [(4, "OddError: first"), (11, "OddError: last")]


def test_a_line_that_ends_in_a_colon_is_shown_with_what_it_introduces() -> None:
    told = unknown("CMake Error at CMakeLists.txt:3 (message):", "  the moon", "  is full", "", "", "fine")
    assert told == [(1, "CMake Error at CMakeLists.txt:3 (message): the moon is full")]


def test_a_long_line_is_shown_with_its_end() -> None:
    ((number, text),) = unknown("docker: Error response from daemon: " + "OCI: " * 200 + "the moon is full")
    assert number == 1
    assert text.startswith("docker: Error response from daemon: OCI")
    assert text.endswith("the moon is full")
    assert len(text) <= TEXT_SHOWN
