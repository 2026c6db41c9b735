"""Sessions in a terminal: a run that failed, and the same given again."""

from __future__ import annotations

import pytest

from doctor.diagnosis.cause import explain
from doctor.diagnosis.session import KEPT, Session
from environment.errors import ExitCode

PROMPTS = ["$ ", "me@host:~/src$ ", "(llm) me@host:~/src$ ", "root@3d6c:/app# ", "[me@host src]$ ", "+ "]
OUT_OF_MEMORY = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
COMPLAINTS = ["OddError: never seen before", OUT_OF_MEMORY, "make: *** [Makefile:47: all] Error 1"]
BUILT = "BUILD SUCCESSFUL in 3s"


def code(*parts: str) -> ExitCode:
    return explain("\n".join(parts)).exit_code


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_of_a_command_that_was_given_again_the_last_run_counts(prompt: str, complaint: str) -> None:
    run = f"{prompt}make -j8 all"
    assert code(run, complaint, f"{prompt}free -g", run, "all is built") == ExitCode.OK
    assert code(run, complaint, f"{prompt}cd src && make -j8 all 2>&1 | tail", "all is built") == ExitCode.OK
    assert code(run, complaint, run, complaint) != ExitCode.OK
    assert code(run, "all is built", f"{prompt}serve", complaint, run, "all is built") != ExitCode.OK


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_similar_run_replaces_one_once_something_ended_well(complaint: str) -> None:
    first, second = "$ trtllm-build --checkpoint_dir c --output_dir e --max_batch_size 512", "--max_batch_size 8"
    again = first.replace("--max_batch_size 512", second)
    assert code(first, complaint, again, BUILT) == ExitCode.OK
    assert code(first, complaint, again, "$ ls") != ExitCode.OK
    assert code(first, complaint, again, complaint, BUILT.lower(), "done.") != ExitCode.OK
    assert code(first, complaint, "$ docker run --rm ubuntu true", "done.") != ExitCode.OK


def test_what_only_goes_before_a_command_makes_no_two_the_same() -> None:
    failed = ("$ cd /app && python3 a.py --engine e", OUT_OF_MEMORY)
    assert code(*failed, "$ cd /app && ls", "a.py", "$ cd /app", BUILT) == ExitCode.FAILURE
    assert code(*failed, "$ python3 a.py --engine e && ls", "a.py") == ExitCode.OK
    assert code("$ make all && ./all", OUT_OF_MEMORY, "$ make all", "all is built") == ExitCode.FAILURE


def test_all_commands_of_a_line_count_and_where_their_output_goes_does_not() -> None:
    failed = ("$ make all 2>&1 | tee log || ./all &> out", OUT_OF_MEMORY)
    assert code(*failed, "$ make all", "all is built") == ExitCode.FAILURE
    assert code(*failed, "$ ./all > again; make all", "all is built") == ExitCode.OK


def test_other_code_for_an_interpreter_is_another_command() -> None:
    failed = ('$ python3 -c "import tensorrt_llm"', OUT_OF_MEMORY)
    assert code(*failed, '$ python3 -c "import torch"', "done.") == ExitCode.FAILURE
    assert code(*failed, '$ python3 -c "import tensorrt_llm"', "0.10.0") == ExitCode.OK


def test_a_session_remembers_so_many_commands_and_no_more() -> None:
    session = Session()
    for number in range(1, 10 * KEPT):
        assert session.give(b"step %d" % number, number) == []
    assert session.give(b"step 1", 10 * KEPT) == []
    assert session.give(b"step %d" % (10 * KEPT - 1), 10 * KEPT + 1) == [range(10 * KEPT - 1, 10 * KEPT)]
    assert len(session.succeed()) <= KEPT
    assert not session.replaces
