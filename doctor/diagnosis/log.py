"""A log as blocks of clean lines, in constant memory, whoever wrote it and however it was carried here.

Cleaned: encodings, CRLF, colours, also those written out, byte order marks, JSON envelopes of Docker's log files and
of Loki, the quotes and spaces that word processors and chat programs put in, and Triton's tables, whose rows cut a
message in the middle of a word. What a carrier writes before each line (`docker logs -t`, CRI, compose, journald,
`kubectl --prefix`, syslog, CI, BuildKit, `mpirun --tag-output`) stays: `LINE_START` matches it, `bare` removes it from
a line to be shown. Line numbers stay those of the file. Everything works on whole blocks at the speed of C and is
skipped where a block shows no need of it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from doctor.diagnosis.log_encodings import utf8
from doctor.diagnosis.log_tables import NEAR, is_row, joined

BLOCK = 1 << 17
OVERLAP = 1 << 12
LONGEST_TABLE = 1 << 18
BEGINNING = 1 << 8  # bytes of a block by which its beginning is known when it comes again

_COLOUR = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_ROW_CUT = b"|   "  # an empty cell: in the first column it says that the row above goes on
_TYPESET = {"\u2018": b"'", "\u2019": b"'", "\u201c": b'"', "\u201d": b'"', "\u00a0": b" "}
_TEXT = rb'([^"\\\n]*(?:\\.[^"\\\n]*)*)'  # what stands between the quotes of a JSON string
_ENVELOPES = {  # what a line in JSON has if it is one, and the whole line
    b'{"log":"': re.compile(
        rb'^\{"log":"%s(?:","stream":"std[^\n]*\}|\\?)$' % _TEXT, re.MULTILINE
    ),  # Docker's json-file
    b',"line":"': re.compile(rb'^\{"labels":\{[^\n]{0,9999}?\},"line":"%s"[^\n]*\}$' % _TEXT, re.MULTILINE),  # logcli
}
_WRITTEN = (  # a byte to look for, what was written, and what is meant: colours and marks
    (b"^", b"^[[", b"\x1b["),
    (b"\\", b"\\x1b[", b"\x1b["),
    (b"\\", b"\\u001b[", b"\x1b["),
    (b"\\", b"\\033[", b"\x1b["),
    (b"#", b"#033[", b"\x1b["),
    (b"\f", b"\f", b""),
    (b"\xef", codecs.BOM_UTF8, b""),
)
_STEP = re.compile(rb"^[^\t\n]{1,100}\t[^\t\n]{1,100}\t(?=20\d\d-\d\d-\d\dT\d\d:)", re.MULTILINE)  # of a job
_MONTH = rb"(?:[A-Z][a-z]{2}|[ ]?\d{1,2}\xe6\x9c\x88)"  # Nov, or 11 and the Chinese word for month
_TIME = rb"\d\d:\d\d:\d\d"
_STAMP = rb"\d{4}-\d\d-\d\d[T ]%s(?:[.,]\d{1,9})?" % _TIME
_ZONE = rb"[+-]\d\d:?\d\d"
_LOGGED = rb"(?:%s[ ]{1,2}\d{1,2}[ ]%s(?:[.]\d{1,9})?|%s%s)[ ][\w.-]{1,80}" % (
    _MONTH,
    _TIME,
    _STAMP,
    _ZONE,
)  # and by whom
_CARRIER = rb"(?:%s){1,4}" % rb"|".join(
    (
        rb"(?:[A-Z][a-z]{2}[ ]%s[ ]{1,2}\d{1,2}[ ]%s[ ]\d{4})?" % (_MONTH, _TIME)  # mpirun --timestamp-output
        + rb"\[(?:[\w.-]{1,80}@)?\d+,\d+\]<std(?:out|err)>:[ ]?",  # mpirun --tag-output, PRRTE
        rb"\[\d{1,5}\][ ]",  # mpiexec -prepend-rank of MPICH
        rb"\[(?:rank|default)\d{1,5}\]:[ ]?",  # torchrun, what a rank raised
        rb"\((?:[\w.-]{1,60}[ ])?pid=\d{1,9}(?:, ip=[\w.:]{1,60})?\)[ ]",  # Ray, and servers of several processes
        rb"\[pod/[^\]\n]{1,200}\][ ]",  # kubectl logs --prefix
        rb"[\w.-]{1,80}[ ]+\|[ ]",  # docker compose logs
        rb"%s[ ][\w./-]{1,80}(?:\[\d+\])?:[ ]" % _LOGGED,  # journald
        rb"\[?%s(?:Z|%s)?\]?[ ]" % (_STAMP, _ZONE),  # docker logs -t, CI
        rb"std(?:out|err)[ ][FP][ ]",  # behind its time: CRI
        rb"<\d{1,3}>1[ ](?:[^ \n]{1,100}[ ]){5}(?:-|\[[^\]\n]{1,400}\])[ ]",  # syslog, RFC 5424
        rb"#\d+[ ]\d+\.\d+[ ]",  # BuildKit
        rb">[ ]",  # quoted
    )
)
_PREFIX = re.compile(_CARRIER)
_WRITER = re.compile(rb"\[pod/([^\]\n]{1,200})\] |([\w.-]{1,80}) +\| |%s[ ]([\w./-]{1,80})(?:\[\d+\])?: " % _LOGGED)
LINE_START = f"^(?:{_CARRIER.decode()})?"  # what `^` means in a pattern


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole clean lines as UTF-8 (or a piece of one very long line), and the number of the first."""

    text: bytes
    first_line: int

    def number(self, at: int) -> int:
        """The number of the line in which the byte `at` stands."""
        return self.first_line + self.text.count(b"\n", 0, at)

    def then(self, following: Block, most: int) -> Block:
        """The whole lines at the end of both, in so many bytes."""
        text = self.text + following.text if len(following.text) < most else following.text
        first = following.first_line - (len(text) > len(following.text)) * self.text.count(b"\n")
        cut = text.find(b"\n", len(text) - most) + 1 if len(text) > most else 0
        return Block(text=text[cut:], first_line=first + text.count(b"\n", 0, cut))


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """The log in blocks that stay in the processor's cache while every pass looks at them."""
    line = 1
    for raw in _whole_lines(utf8(stream, BLOCK)):
        yield Block(text=clean(raw), first_line=line)
        line += raw.count(b"\n")


def clean(text: bytes) -> bytes:
    """The block without colours, carriage returns and cut table rows; as many lines as before.

    The guards look for single bytes where they can: that is ten times as fast as looking for two.
    """
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    if b"{" in text:
        text = _unwrapped(text)
    text = _as_meant(text)
    if b"\x1b" in text:
        text = _without_colours(text)
    if b"\xe2" in text or b"\xc2" in text:
        text = _typewritten(text)
    if b"|" in text and _ROW_CUT in text:
        text = joined(text, _PREFIX)
    return text


def bare(line: bytes) -> bytes:
    """The line without what its carrier wrote before it."""
    return _PREFIX.sub(b"", line, count=1) if _PREFIX.match(line) else line


def line_start(match: re.Match[bytes]) -> int:
    """Where the line begins in which the match does."""
    return match.string.rfind(b"\n", 0, match.start()) + 1


def writer(text: bytes, at: int) -> bytes:
    """Which pod, service or unit wrote the line in which the byte `at` stands, where its carrier says so, else empty.

    The ranks of one MPI job are one writer: they live and die together.
    """
    found = _WRITER.match(text, text.rfind(b"\n", 0, at) + 1)
    return next(filter(None, found.groups()), b"") if found else b""


def _as_meant(text: bytes) -> bytes:
    """Without what is no part of any line: colours as letters, marks, and what `gh run view --log` writes before it."""
    for sign, written, meant in _WRITTEN:
        if sign in text:
            text = text.replace(written, meant)
    if b"\t" in text and b"\t20" in text:
        text = _STEP.sub(b"", text)
    return text


def _unwrapped(text: bytes) -> bytes:
    for key, envelope in _ENVELOPES.items():
        if key in text:
            text = envelope.sub(_message, text)
    return text


def _message(envelope: re.Match[bytes]) -> bytes:
    """What was written, in one line; as it stands where it is no JSON after all."""
    text = envelope[1].removesuffix(b"\\n")
    if b"\\" not in text:
        return text
    with suppress(ValueError):
        said: str = json.loads(b'"%s"' % envelope[1])
        return said.rstrip("\r\n").replace("\r", "").replace("\n", " ").encode("utf-8", "replace")
    return envelope[0]


def _without_colours(text: bytes) -> bytes:
    """Few codes make up nearly all colours of a log, and replacing those is far faster than looking for any."""
    for code in set(_COLOUR.findall(text[:OVERLAP])):
        text = text.replace(code, b"")
    return _COLOUR.sub(b"", text) if b"\x1b" in text else text


def _typewritten(text: bytes) -> bytes:
    """The quotes and spaces that a program wrote, where the log was pasted through something that typesets."""
    for typeset, plain in _TYPESET.items():
        text = text.replace(typeset.encode(), plain)
    return text


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks that end with a line, and not inside a table; a line longer than a block comes in overlapping pieces."""
    rest = b""
    for chunk in chunks:
        rest = rest + chunk if rest else chunk
        while len(rest) >= BLOCK and (cut := _cut(rest)):
            yield rest[:cut]
            rest = rest[cut:]
        if len(rest) > BLOCK:
            yield rest
            rest = rest[-OVERLAP:]
    if rest:
        yield rest


def _cut(data: bytes) -> int:
    """Where the last whole line ends, moved up before a table that may go on in the next chunk.

    A log that repeats itself is cut where it begins again, so that its blocks repeat, too (`repetition.py`). Of a table
    that goes on and on, in whole rows, only the last ones are kept for it.
    """
    again = data.find(b"\n" + data[:BEGINNING], BLOCK // 2)
    end = start = (again if again >= 0 else data.rfind(b"\n")) + 1
    whole = 0
    while start > 0 and end - start < LONGEST_TABLE:
        previous = data.rfind(b"\n", 0, start - 1) + 1
        line = data[previous:start]
        whole = 0 if _ROW_CUT in line else whole + 1
        if whole > NEAR or not (is_row(line) or is_row(clean(line))):
            return start
        start = previous
    return end
