"""The line that a traceback was logged with, and what stands behind it."""

from __future__ import annotations

import re

import pytest

from doctor.diagnosis.traces import after, before, raised

FRAMES = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\n'
ODD = f"{FRAMES}OddError: x"
CHAINED = f"{ODD}\n\nDuring handling of the above exception, another exception occurred:\n\n{FRAMES}LastError: y"
JAVA = "java.io.IOException: x\n\tat a.B.c(B.java:1)\nCaused by: java.lang.Error: y\n\tat a.D.e(D.java:2)"
JAVASCRIPT = "TypeError: fetch failed\n    at f (x.js:1:2) {\n  cause: 1\n}"
COMPILER = "x.c:1:10: fatal error: nccl.h: None\n    1 | #include <nccl.h>\n      |   ^\ncompilation terminated."


def at(pattern: str, text: str) -> re.Match[bytes]:
    found = re.search(pattern.encode(), text.encode())
    assert found
    return found


@pytest.mark.parametrize(
    ("trace", "pattern"),
    [
        (ODD, "Traceback .most recent"),
        (ODD, "OddError"),
        (CHAINED, "OddError"),
        (CHAINED, "LastError"),
        (JAVA, "java.io.IOException"),
    ],
)
def test_a_traceback_is_seen_whole_from_any_line_of_it(trace: str, pattern: str) -> None:
    match = at(pattern, f"fine\nERROR request 1\n{trace}\none\ntwo\nthree\nfour")
    assert before(match) == b"ERROR request 1"
    assert after(match) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(("trace", "pattern"), [(JAVASCRIPT, "TypeError"), (COMPILER, "fatal error")])
def test_what_follows_a_trace_of_other_programs_stands_behind_it(trace: str, pattern: str) -> None:
    assert after(at(pattern, f"{trace}\none")) == [b"one"]


def test_a_line_that_is_in_no_traceback_was_logged_with_nothing() -> None:
    match = at("OddError", "ERROR request 1\nOddError: x\none")
    assert before(match) == b""
    assert after(match) == [b"one"]


def test_the_prefixes_of_a_carrier_are_no_part_of_the_lines() -> None:
    carried = "".join(f"api-1  | {line}\n" for line in ("ERROR request 1", *ODD.splitlines(), "one"))
    assert before(at("OddError", carried)) == b"ERROR request 1"
    assert after(at("OddError", carried)) == [b"one"]


@pytest.mark.parametrize("text", ["OddError", f"{FRAMES}OddError", "\n\nOddError\n\n"])
def test_at_the_ends_of_a_log_nothing_is_found(text: str) -> None:
    match = at("OddError", text)
    assert (before(match), b"".join(after(match))) == (b"", b"")


@pytest.mark.parametrize("under", ["", "    ~~~~~^^^\n"])
def test_an_exception_without_words_is_told_with_the_source_that_raised_it(under: str) -> None:
    frames = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    assert size <= most\n'
    trace = f"{frames}{under}AssertionError"
    assert raised(at("Traceback", trace)) == (3 + bool(under), b"AssertionError: assert size <= most")
    carried = "\n".join(f"api-1  | {line}" for line in trace.splitlines())
    assert (raised(at("Traceback", carried)) or (0, b""))[1] == b"api-1  | AssertionError: assert size <= most"


def test_an_exception_without_words_and_without_source_stays_as_it_is() -> None:
    trace = 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nKeyboardInterrupt'
    assert raised(at("Traceback", trace)) == (2, b"KeyboardInterrupt")
