"""A traceback around a match: the line that it was logged with, and the lines that stand behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, takewhile

from doctor.diagnosis.log import bare, line_start, writer

FAR = 8000  # bytes of a traceback that are looked through, on each side
BEHIND = 3  # lines behind it that may say how the program went on
_HEADER = b"Traceback (most recent call last)"
_JAVA = re.compile(rb"[^\n]{0,1000}\n[^\n]{0,80}?\s+at [\w.$/<>]+[( ]")
_INSIDE = re.compile(
    rb'[ \t]|$|[\]})]|"""$|Caused by: |note: run with `RUST_BACKTRACE|stack backtrace:|terminate called after throwing'
    rb"|compilation terminated\.$|\w{1,20}: (?:all|some) warnings being treated as errors"
)
_RAISED = re.compile(rb"[A-Za-z_][\w.]{0,120}(: |$)")
_MARKER = re.compile(rb"[\s~^]*")  # Python 3.11 underlines what in the source line failed
_UNRAISABLE = b"Exception ignored "  # what Python says of another one, raised while it tidies up
_NUMBER = re.compile(rb"\d+")
_BEGINS = re.compile(
    rb"(?![Ww]arning)([$+>#] ?\S|(\S{1,40} ){0,4}[A-Za-z]{2,20}ing\b|[^\n]{3,200}\.\.\.$)"
)  # a command, or a deed
_ADVICE = re.compile(rb"Please |If (?:you|this|it) |For more |See |Make sure ")  # what a message says at its end
_CHAINED = re.compile(rb"During handling of the above exception|The above exception was the direct cause")


def before(match: re.Match[bytes]) -> bytes:
    """The line with which the traceback, the first where several are chained, was logged; empty where there is none."""
    text = match.string
    start = line_start(match)
    lines = map(bare, _above(text, start))
    found = _JAVA.match(text, start) is not None or _HEADER in text[start : match.end() + len(_HEADER)]
    for line in lines:
        if _HEADER in line:
            found = True
        elif _CHAINED.match(line):
            found = False
            _drop_raised(lines)
        elif not _INSIDE.match(line):
            return line if found else b""
    return b""


def _above(text: bytes, start: int) -> Iterator[bytes]:
    """The lines above the one that starts here, from the nearest up."""
    first = max(0, start - FAR)
    while start > first:
        end = start - 1
        start = max(first, text.rfind(b"\n", first, end) + 1)
        yield text[start:end]


def _below(text: bytes, start: int, stop: int) -> Iterator[bytes]:
    """The line that starts here, and those below it."""
    while (end := text.find(b"\n", start, stop)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:stop]


def ignored(match: re.Match[bytes]) -> bool:
    """Whether the exception is one that Python could do nothing with, and went on; some have no traceback."""
    above = next(filter(None, _above(match.string, line_start(match))), b"")
    return any(line.startswith(_UNRAISABLE) for line in (before(match), bare(above)))


def after(match: re.Match[bytes]) -> list[bytes]:
    """The lines of the same writer behind the match and behind all frames and exceptions that belong to it."""
    start = line_start(match)
    by = writer(match.string, start)
    lines = _below(match.string, start, match.end() + FAR)
    lines = (line for line in lines if writer(line, 0) == by) if by else lines
    first = next(lines)
    raises, found = _HEADER in first, list[bytes]()
    itself = _plain(first)
    for line in map(bare, islice(lines, match[0].count(b"\n"), None)):
        if _HEADER in line:
            raises = True
        elif _plain(line) == itself or line.startswith(_UNRAISABLE):
            continue
        elif not (_INSIDE.match(line) or _CHAINED.match(line) or _ADVICE.match(line)):
            found += [] if raises else [line]
            raises = False
        if len(found) == BEHIND:
            break
    return found


def begun_again(match: re.Match[bytes]) -> bool:
    """Whether what was begun just above the match, or its traceback, is begun again behind it: a new try."""
    text, start = match.string, line_start(match)
    lines = reversed([*islice(_above(text, start), BEHIND)])
    above = [_plain(line) for line in (*lines, before(match)) if not _INSIDE.match(bare(line))]
    itself = _plain(next(_below(text, start, start + FAR)))
    begun = next((line for line in reversed(above) if line != itself and _BEGINS.match(line)), b"")
    return bool(begun) and begun in map(_plain, after(match))


def _plain(line: bytes) -> bytes:
    """The line without what changes from time to time: its carrier's words, numbers and stamps."""
    return _NUMBER.sub(b"", bare(line)).strip()


def raised(match: re.Match[bytes]) -> tuple[int, bytes] | None:
    """The line that a traceback ends with, and how many lines behind its header, where the match is the header.

    Where it has no words, such as that of a bare `assert`, the source line that raised it follows it.
    """
    start = line_start(match)
    if _HEADER not in next(_below(match.string, start, match.end() + FAR)):
        return None
    header, *lines = match.string[start : match.end() + FAR].split(b"\n")
    prefix = header[: header.find(_HEADER)]
    prefix = prefix if lines and lines[0].startswith(prefix) else b""
    flat = False  # pasted without its indents
    for number, line in enumerate(lines, 1):
        said = bare(line.removeprefix(prefix))
        if not said.strip() or said[:1] in b" \t" or not line.startswith(prefix):
            continue
        if _RAISED.match(said):
            frames = [bare(frame.removeprefix(prefix)) for frame in lines[: number - 1]]
            return number, line if b":" in said else _with_source(line, frames)
        flat = flat or said.startswith(b'File "')
        if not flat:
            return None
    return None


def _with_source(line: bytes, frames: list[bytes]) -> bytes:
    """The line of an exception without words, and behind it the source line of its last frame."""
    source = next((frame.strip() for frame in reversed(frames) if not _MARKER.fullmatch(frame)), b"")
    return line if not source or source.startswith(b'File "') else b"%s: %s" % (line.rstrip(), source)


def headed(match: re.Match[bytes]) -> bool:
    """Whether the match is the header of a traceback."""
    return _HEADER in match.string[match.start() : match.end() + len(_HEADER)]


def indented(match: re.Match[bytes]) -> list[bytes]:
    """The indented lines behind the match, which go on with what it says."""
    lines = map(bare, islice(_below(match.string, match.end(), match.end() + FAR), 1, None))
    found = takewhile(lambda line: not line.strip() or line[:1] in b" \t", lines)
    return [*islice((line for line in found if line.strip()), BEHIND)]


def _drop_raised(lines: Iterator[bytes]) -> None:
    """Takes away the exception that ends the traceback above."""
    next((line for line in lines if not _INSIDE.match(line)), None)
