"""The line of a log in which something was found, as it is shown."""

from __future__ import annotations

import re

from doctor.diagnosis import traces
from doctor.diagnosis.course import Line
from doctor.diagnosis.log import bare, line_start

TEXT_SHOWN = 400
LEFT_OUT = b"... "
BEGINNING = 120  # of that, where the end of a line is shown, too
LONG = 4000
ABOVE = 8000  # bytes of the log before a failure that are looked at for the step that it broke off
_SPACE = re.compile(rb"[ \t]+")
_CHARACTER = re.compile(rb"[^\x80-\xbf]")  # the first byte of one, in UTF-8


def line_of(match: re.Match[bytes], number: int) -> Line:
    """The line of the match, cut around it when it is very long, with the captured values."""
    text = match.string
    start = line_start(match)
    end = text.find(b"\n", match.start())
    end = len(text) if end < 0 else end
    left_out = b""
    if end - start > TEXT_SHOWN:
        if (near := match.start() - TEXT_SHOWN // 4) > start:
            start, left_out = _word(text, near, match.start()), LEFT_OUT
        end = min(end, start + TEXT_SHOWN - len(left_out))
    values = {name: value.decode("utf-8", "replace").strip() for name, value in match.groupdict().items() if value}
    return Line(number=number, text=_shown(left_out + text[start:end]), values=values)


def _word(text: bytes, near: int, before: int) -> int:
    """Where the first word begins between the two places; a character, where no word does."""
    if space := _SPACE.search(text, near - 1, before):
        return space.end()
    character = _CHARACTER.search(text, near, before)
    return character.start() if character else near


def failed(match: re.Match[bytes], line: Line) -> Line:
    """The line that says what failed: for a traceback's header what it raised, with a colon at its end what follows."""
    if raised := traces.raised(match):
        behind, text = raised
        return Line(number=line.number + behind, text=_shown(text)[:TEXT_SHOWN])
    if lines := match[0].rstrip(b"\n").count(b"\n"):  # frame and exception together: the exception says it
        return Line(number=line.number + lines, text=_shown(_to_its_end(match))[:TEXT_SHOWN])
    told = [_both_ends(match) or line.text]
    if told[0].endswith(":") and not traces.headed(match):
        told += map(_shown, traces.indented(match))
    return Line(number=line.number, text=" ".join(told)[:TEXT_SHOWN])


def _to_its_end(match: re.Match[bytes]) -> bytes:
    text = match.string
    end = text.find(b"\n", match.end(), match.end() + TEXT_SHOWN)
    return text[text.rfind(b"\n", 0, match.end()) + 1 : end if end >= 0 else match.end() + TEXT_SHOWN]


def _both_ends(match: re.Match[bytes]) -> str:
    """Of a line that is somewhat too long its beginning and its end: what failed stands before what it failed by."""
    start = line_start(match)
    line, end, _ = (match.string[start : start + LONG] + b"\n" * (len(match.string) < start + LONG)).partition(b"\n")
    text = _shown(line) if end else ""
    return f"{text[:BEGINNING]} ... {text[BEGINNING + 5 - TEXT_SHOWN :]}" if len(text) > TEXT_SHOWN else ""


def lines_above(match: re.Match[bytes]) -> bytes:
    """The log from a little before the match to the end of its line."""
    end = match.string.find(b"\n", match.end(), match.end() + ABOVE)
    return match.string[max(0, match.start() - ABOVE) : end if end >= 0 else match.end()]


def _shown(line: bytes) -> str:
    return bare(line).decode("utf-8", "replace").strip()
