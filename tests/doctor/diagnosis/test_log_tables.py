import re
import time
from collections.abc import Callable

import pytest

from doctor.diagnosis.log_tables import is_row, joined

NO_PREFIX = re.compile(rb"(?:\[\d+,\d+\]<std(?:out|err)>:)")
BORDER = b"+-------+---------+----------------------+\n"


def test_a_message_cut_in_a_path_is_whole_again() -> None:
    table = (
        BORDER
        + b"| Model | Version | Status               |\n"
        + BORDER
        + b"| trt   | 1       | UNAVAILABLE: (run/tl |\n"
        + b"|       |         | lmRuntime.cpp:72) go |\n"
        + b"|       |         |  on                  |\n"
        + b"| pre   | 1       | READY                |\n"
        + BORDER
    )
    text = joined(table, NO_PREFIX)
    assert b"UNAVAILABLE: (run/tllmRuntime.cpp:72) go on" in text
    assert b"| pre   | 1       | READY                |" in text
    assert text.count(b"\n") == table.count(b"\n")


def test_every_wrapped_column_is_joined_with_its_own() -> None:
    table = b'| py | /opt/tri | {"cmdline":{" |\n|    | ton.so   | auto":"no"}}  |\n'
    assert b'/opt/triton.so   | {"cmdline":{"auto":"no"}}' in joined(table, NO_PREFIX)


def test_interleaved_ranks_do_not_mix() -> None:
    table = (
        b"[1,0]<stderr>:| zero | UNAVAILABLE: abc |\n"
        b"[1,1]<stderr>:| one  | UNAVAILABLE: uvw |\n"
        b"[1,0]<stderr>:|      | def              |\n"
        b"[1,1]<stderr>:|      | xyz              |\n"
    )
    text = joined(table, NO_PREFIX)
    assert b"UNAVAILABLE: abcdef" in text
    assert b"UNAVAILABLE: uvwxyz" in text


def test_a_message_with_bars_in_it_survives() -> None:
    table = b"| trt | 1 | UNAVAILABLE: a | b |\n|     |   | c               |\n"
    assert b"a | b" in joined(table, NO_PREFIX)


def test_lines_that_only_end_with_a_bar_are_left_alone() -> None:
    text = b"grep foo |\n  sort |\n|\n||\n"
    assert joined(text, NO_PREFIX) == text
    assert is_row(b"a |\n")
    assert not is_row(b"a | b\n")


@pytest.mark.parametrize(
    "lead",
    [
        lambda n: b"Sat Nov 28 18:02:%02d 2026[1,0]<stderr>:" % n,
        lambda n: b"[prterun-host-1@1,0]<stdout>: ",
        lambda n: b"0: ",
        lambda n: b"[0] ",
        lambda n: b"pod-7f container | ",
        lambda n: b"pod-7f container ",
        lambda n: b"2026-11-28T18:02:00.1234567%02dZ stderr F " % n,
        lambda n: b"job\tstep\t2026-11-28T18:02:00.1234567%02dZ " % n,
        lambda n: b"[2026-11-28T18:02:00.1%02dZ] " % n,
        lambda n: b"#%d %d.345 " % (n, n + 8),
        lambda n: b"    ",
        lambda n: b"\t",
    ],
)
def test_a_table_stands_behind_whatever_its_lines_share(lead: Callable[[int], bytes]) -> None:
    rows = (BORDER, b"| trt   | 1       | UNAVAILABLE: (run/tl |\n", b"|       |         | lmRuntime.cpp:72) go |\n")
    text = joined(b"".join(lead(number) + row for number, row in enumerate(rows)), NO_PREFIX)
    assert b"UNAVAILABLE: (run/tllmRuntime.cpp:72) go" in text
    assert text.count(b"\n") == len(rows)


def test_ranks_behind_their_times_do_not_mix() -> None:
    stamp = b"Sat Nov 28 18:02:%02d 2026[1,%d]<stderr>:"
    cells = (b"| zero | UNAVAILABLE: abc |\n", b"| one  | UNAVAILABLE: uvw |\n")
    more = (b"|      | def              |\n", b"|      | xyz              |\n")
    lines = [stamp % (n, n % 2) + row for n, row in enumerate(cells + more)]
    text = joined(b"".join(lines), NO_PREFIX)
    assert b"UNAVAILABLE: abcdef" in text
    assert b"UNAVAILABLE: uvwxyz" in text


@pytest.mark.parametrize(
    "text",
    [
        b"| llm | 1     | READY |\n| llm |       | READY |\n",
        BORDER + b"| llm   | 1       | READY |\n" + BORDER + b"|       | a       | b     |\n",
        b"foo |    | bar |\nbaz |    | qux |\n",
    ],
)
def test_an_empty_cell_alone_does_not_go_on(text: bytes) -> None:
    assert joined(text, NO_PREFIX) == text


@pytest.mark.parametrize("line", [b"|    " * 50_000 + b"\n", b"+--" * 50_000 + b"|   |\n", b"a%d|   | b |\n" * 9_000])
def test_it_takes_no_longer_than_the_text_is_long(line: bytes) -> None:
    started = time.process_time()
    assert joined(line, NO_PREFIX).count(b"\n") == line.count(b"\n")
    assert time.process_time() - started < 2
