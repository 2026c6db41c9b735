"""Things that a log names over and over: how each stood last is what counts."""

from __future__ import annotations

from doctor.diagnosis.cause import explain
from doctor.diagnosis.things import KEPT, Things
from environment.errors import ExitCode

CRASHED = "triton-6c9d8b7f5d-4qkzn   0/1     CrashLoopBackOff   3 (12s ago)   80s"
SERVES = "triton-6c9d8b7f5d-4qkzn   1/1     Running            4 (90s ago)   5m"
OTHER = CRASHED.replace("4qkzn", "w9sjv")
NO_GPU = "9m  Warning  FailedScheduling  pod/triton-6c9d8b7f5d-4qkzn  0/5 nodes: 5 Insufficient nvidia.com/gpu"
WATCHED = "NAME   READY   STATUS   RESTARTS   AGE"


def code(*lines: str) -> ExitCode:
    return explain("\n".join((WATCHED, *lines))).exit_code


def test_what_was_said_of_a_pod_that_runs_now_does_not_count() -> None:
    assert code(CRASHED) == ExitCode.FAILURE
    assert code(CRASHED, SERVES) == ExitCode.OK
    assert code(NO_GPU, SERVES) == ExitCode.OK
    assert code(f"llm {CRASHED}", f"llm {SERVES}") == ExitCode.OK
    assert code(CRASHED, SERVES.replace("1/1", "1/2")) == ExitCode.FAILURE


def test_a_pod_that_fails_again_or_another_one_counts() -> None:
    assert code(CRASHED, SERVES, CRASHED) == ExitCode.FAILURE
    assert code(SERVES, CRASHED) == ExitCode.FAILURE
    assert code(CRASHED, OTHER, SERVES) == ExitCode.FAILURE
    assert code(CRASHED, OTHER, SERVES, SERVES.replace("4qkzn", "w9sjv")) == ExitCode.OK


def test_what_else_went_wrong_counts_whatever_a_pod_does() -> None:
    assert code("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", CRASHED, SERVES) == ExitCode.FAILURE


def test_things_are_taken_back_when_all_of_their_kind_are_well() -> None:
    things = Things()
    things.ail(("pod", b"a"), 1)
    things.ail(("pod", b"b"), 2)
    things.ail(("node", b"a"), 3)
    assert things.recover(("pod", b"a")) == []
    assert things.recover(("pod", b"b")) == [range(1, 2), range(2, 3)]
    assert things.recover(("pod", b"b")) == []


def test_no_more_lines_than_so_many_are_remembered() -> None:
    things = Things()
    for number in range(10 * KEPT):
        things.ail(("pod", b"%d" % number), number)
    assert [things.recover(("pod", b"%d" % number)) for number in range(KEPT)][-1] == [
        range(number, number + 1) for number in range(KEPT)
    ]
    assert things.recover(("pod", b"%d" % (10 * KEPT - 1))) == []
