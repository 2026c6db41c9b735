"""A log that says the same over and over is told as if all of it were read, and costs little more than one round."""

from __future__ import annotations

import io

import pytest

from doctor.diagnosis.cause import Diagnosis, diagnosed
from doctor.diagnosis.course import Line
from doctor.diagnosis.log import BLOCK, Block, blocks
from doctor.diagnosis.repetition import read_once
from doctor.diagnosis.session import KEPT

FAULT = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
ROUNDS = {
    "fine": 'I0120 08:28:09.425338 2049 model_lifecycle.cc:473] "loading: preprocessing:1"',
    "unknown": "OddError: never seen before\nserver started on port 8000\nOddError: never seen again",
    "met": f"{FAULT}\nretrying with a smaller batch\nserver started on port 8000",
    "session": f"$ make all\n{FAULT}\n$ ls\nx",
}


def texts(said: str, changes: tuple[int, ...] = ()) -> list[str]:
    """Which of the blocks `said`, one letter each, are read where those with the numbers `changes` change the state."""
    read = list[str]()
    read_once(
        (Block(text=letter.encode(), first_line=number) for number, letter in enumerate(said)),
        lambda block: read.append(f"{block.text.decode()}{block.first_line}"),
        lambda: sum(number < len(read) for number in changes),
    )
    return read


@pytest.mark.parametrize(
    ("said", "changes", "read"),
    [
        ("", (), ""),
        ("abc", (), "a0 b1 c2"),
        ("aa", (), "a0 a1"),
        ("aaaaab", (), "a0 a1 a4 b5"),
        ("aaaaa", (0, 1, 2), "a0 a1 a2 a3 a4"),
        ("aaaaaaa", (0, 1), "a0 a1 a2 a6"),
        ("aaaabaaaa", (), "a0 a1 a3 b4 a5 a6 a8"),
    ],
)
def test_a_repeated_block_is_read_until_it_changes_nothing_and_once_more_at_its_end(
    said: str, changes: tuple[int, ...], read: str
) -> None:
    assert " ".join(texts(said, changes)) == read


@pytest.mark.parametrize("lines", [1, 3, 7, 100, 900])
@pytest.mark.parametrize("before", ["", "another line\n"])
def test_a_log_that_repeats_itself_is_cut_into_blocks_that_do(lines: int, before: str) -> None:
    log = before + "".join(f"line {number} of {lines}\n" for number in range(lines)) * (10 * BLOCK // lines // 12)
    found = [block.text for block in blocks(io.BytesIO(log.encode()))]
    assert b"".join(found) == log.encode()
    assert len(set(found[1:-1])) == 1


def told(diagnosis: Diagnosis) -> list[Line]:
    """The lines that an answer shows."""
    return [*diagnosis.unknown, *(finding.line for finding in diagnosis.findings)]


@pytest.mark.parametrize("said", ROUNDS.values(), ids=ROUNDS)
def test_what_is_told_of_many_rounds_is_what_is_told_of_few_in_the_last_lines(said: str) -> None:
    rounds, more = 2 * KEPT, 40_000
    few, many = (diagnosed("", io.BytesIO(f"{said}\n".encode() * times)) for times in (rounds, rounds + more))
    shift = more * (said.count("\n") + 1)
    assert many.exit_code == few.exit_code
    for now, then in zip(told(many), told(few), strict=True):
        assert now.text == then.text
        assert now.number in (then.number, then.number + shift)


def test_of_a_command_given_over_and_over_in_a_long_session_the_last_run_counts() -> None:
    run = f"$ make all\n{FAULT}\n{'x' * 90}\n".encode()
    for times in (1, 700, 1400):
        found = diagnosed("", io.BytesIO(run * times)).root
        assert found
        assert found.line.number == 3 * times - 1
