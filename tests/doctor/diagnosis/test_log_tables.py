import re

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
