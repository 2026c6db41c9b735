"""A program that goes on with its work lived with what went wrong; one that only ends did not."""

from __future__ import annotations

import json

import pytest

from doctor.diagnosis.cause import Diagnosis, explain
from doctor.diagnosis.going_on import ENOUGH, LOOKED_THROUGH, SOME, Work, Wrong
from doctor.diagnosis.log import Block
from doctor.diagnosis.report import as_json, as_text, short
from environment.errors import ExitCode

OUT_OF_MEMORY = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
UNKNOWN = "OddError: never seen before"
WORK = tuple(f"page {number} of the book" for number in range(ENOUGH))
VERDICT = "make: *** [Makefile:47: all] Error 1"


def told(*lines: str) -> Diagnosis:
    return explain("\n".join(lines))


def code(*lines: str) -> ExitCode:
    return told(*lines).exit_code


def at_work(text: str, wrong: Wrong | None = None, begun: tuple[int, ...] = ()) -> Work:
    return Work(Block(text=text.encode(), first_line=1), wrong or Wrong(faults={1}), begun)


@pytest.mark.parametrize(("fault", "told_else"), [(OUT_OF_MEMORY, ExitCode.FAILURE), (UNKNOWN, ExitCode.UNKNOWN)])
def test_enough_lines_of_work_behind_a_fault_tell_that_it_was_lived_with(fault: str, told_else: ExitCode) -> None:
    assert code(fault) == code(fault, *WORK[1:]) == told_else
    assert code(fault, *WORK) == ExitCode.OK
    assert code(*WORK, fault) == told_else
    assert code(fault, *WORK, fault, *WORK[1:]) == told_else


def test_what_was_lived_with_is_told_all_the_same_but_is_no_failure() -> None:
    diagnosis = told(OUT_OF_MEMORY, *WORK)
    assert diagnosis.findings == ()
    (finding,) = diagnosis.lived_with
    assert (finding.line.number, finding.primary) == (1, False)
    shown = as_text(diagnosis).partition("the log goes on with its work behind these")[2]
    assert "CUDA out of memory" in shown
    assert f"gone on from: {finding.symptom.title}" in shown
    document = json.loads(json.dumps(as_json([diagnosis])))
    assert [found["line"] for found in document["logs"][0]["lived_with"]] == [1]


def test_a_step_that_failed_is_explained_by_what_it_lived_with_where_nothing_else_does() -> None:
    assert told(OUT_OF_MEMORY, *WORK).told == told(OUT_OF_MEMORY, *WORK).lived_with[0]
    said = short(told(OUT_OF_MEMORY, *WORK))
    assert said.startswith("gone on from: ")
    assert "CUDA out of memory" in said
    assert told(*WORK).told is None


def test_a_verdict_on_the_whole_stands_however_the_log_goes_on() -> None:
    assert code(VERDICT, *WORK) == ExitCode.UNKNOWN
    assert code(OUT_OF_MEMORY, VERDICT, *WORK) == ExitCode.FAILURE


def test_what_a_gpu_that_is_lost_says_counts_however_the_log_goes_on() -> None:
    lost = "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus."
    assert code(lost, *WORK, *WORK) == ExitCode.FAILURE


def test_a_row_that_knows_more_than_one_that_stays_does_so_too() -> None:
    """Else what it explains would be told as what it is not: /dev/shm is no disk."""
    full = "a:1:2 [0] include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device"
    root = told(full, *WORK).root
    assert root is not None
    assert root.symptom.id == "shm-too-small-nccl"


@pytest.mark.parametrize(
    "line",
    [
        "    at the frame above",
        "| a table | 1 |",
        "+-----+-----+",
        "----------",
        "7       0x7f82a6cbe6f1 /usr/lib/libtensorrt_llm.so(+0x6ee6f1) [0x7f82a6cbe6f1]",
        "-rw-r--r-- 1 root root  135 Aug  1 14:27 model-00004-of-00015.safetensors",
        "tensorrt-llm              0.10.0",
        "4e9a:8639:8745 [0] NCCL INFO transport/shm.cc:101 -> 2",
        "[mpiexec@node1] main (/mpich/mpiexec.c:49): parsing",
        "Either request fewer slots for your application, or make more slots available.",
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1",
        "still waiting for the server",
        "done.",
        "",
    ],
    ids=repr,
)
def test_what_only_belongs_to_a_fault_is_no_work(line: str) -> None:
    assert code(OUT_OF_MEMORY, *[line] * 2 * ENOUGH) == ExitCode.FAILURE


def test_what_is_said_of_an_end_begins_the_count_anew_but_for_a_program_that_had_gone_on() -> None:
    end = "All models are stopped, unloading models"
    assert code(OUT_OF_MEMORY, *WORK[1:], end, WORK[0]) == ExitCode.FAILURE
    assert code(OUT_OF_MEMORY, *WORK, end) == ExitCode.OK


def test_the_work_of_another_command_says_nothing_of_the_one_that_failed() -> None:
    for prompt in ("$ python3 ask.py", "me@box:~$ python3 ask.py", "PS C:\\work> python ask.py", ">>> client.ask()"):
        assert code("$ python3 run.py", OUT_OF_MEMORY, prompt, *WORK) == ExitCode.FAILURE
    assert code("$ python3 run.py", OUT_OF_MEMORY, *WORK, "$ python3 ask.py") == ExitCode.OK


def test_the_work_of_another_container_says_nothing_of_the_one_that_failed() -> None:
    others = [f"gateway-1  | {line}" for line in WORK]
    assert code(f"triton-1  | {OUT_OF_MEMORY}", *others) == ExitCode.FAILURE
    assert code(f"triton-1  | {OUT_OF_MEMORY}", *(f"triton-1  | {line}" for line in WORK)) == ExitCode.OK


def test_a_banner_of_open_mpi_is_one_message() -> None:
    rule = "-" * 74
    said = ["There are not enough slots available in the system", *WORK]
    assert code(rule, *said, rule) == ExitCode.FAILURE
    assert code(rule, *said) == ExitCode.FAILURE  # cut by `head`
    assert code(rule, *said, rule, *WORK) == ExitCode.OK


def test_what_was_only_warned_of_needs_less() -> None:
    warning = "cuda/__init__.py:129: UserWarning: CUDA initialization: Found no NVIDIA driver on your system."
    assert code(warning, *WORK[: SOME - 1]) == ExitCode.FAILURE
    assert code(warning, *WORK[:SOME]) == ExitCode.OK


def test_a_fault_that_stands_far_above_is_lived_with_only_where_the_end_of_the_log_shows_work() -> None:
    far = ["    an indented line that says nothing"] * (LOOKED_THROUGH // 30)
    assert code(OUT_OF_MEMORY, *far) == ExitCode.FAILURE
    assert code(OUT_OF_MEMORY, *far, *WORK) == ExitCode.OK


def test_work_is_counted_for_each_run_and_writer() -> None:
    work = at_work("fault\na\nb\nweb-1  | c\n$ other\nd\ne", begun=(5,))
    assert work.goes_on(1, b"", 2)
    assert not work.goes_on(1, b"", 3)
    assert work.goes_on(1, b"web-1", 1)
    assert work.goes_on(6, b"", 2)
    assert not work.goes_on(6, b"web-1", 1)


def test_the_end_of_a_log_is_whole_lines_with_their_numbers() -> None:
    first = Block(text=b"one\ntwo\nthree\n", first_line=1)
    assert first.then(Block(text=b"four\n", first_line=4), 100) == Block(text=b"one\ntwo\nthree\nfour\n", first_line=1)
    assert first.then(Block(text=b"four\n", first_line=4), 12) == Block(text=b"three\nfour\n", first_line=3)
    assert first.then(Block(text=b"four\nfive\n", first_line=4), 8) == Block(text=b"five\n", first_line=5)
