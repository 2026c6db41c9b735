"""What a healthy log is: its last word is good, and nothing was said after it."""

from __future__ import annotations

import pytest

from doctor.diagnosis.cause import explain
from doctor.diagnosis.course import KEPT, Course, Failure, Line
from environment.errors import ExitCode
from tests.doctor.epilogues import EPILOGUES, silenced

TRACEBACK = "Traceback (most recent call last):\n  File 'x.py', line 1, in f\nOddError: never seen before"
OUT_OF_MEMORY = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
PYTEST = "===== test session starts =====\n{}\n===== 3 passed, 1 warning in 0.02s ====="


def code(*parts: str) -> ExitCode:
    return explain("\n".join(parts)).exit_code


def line(number: int) -> Line:
    return Line(number=number, text="odd")


def test_a_good_end_takes_back_what_was_complained_of_before_it() -> None:
    assert code(TRACEBACK) == ExitCode.UNKNOWN
    assert code(TRACEBACK, "BUILD SUCCESSFUL in 3s") == ExitCode.OK


def test_a_complaint_after_the_good_end_counts() -> None:
    assert code("BUILD SUCCESSFUL in 3s", TRACEBACK) == ExitCode.UNKNOWN
    assert code(TRACEBACK, "BUILD SUCCESSFUL in 3s", TRACEBACK) == ExitCode.UNKNOWN
    assert code(PYTEST.format("x"), TRACEBACK) == ExitCode.UNKNOWN


@pytest.mark.parametrize(
    "verdict",
    [
        "make: *** [Makefile:47: all] Error 1",
        "ERROR: failed to solve: process did not complete",
        "==== 1 failed, 2 passed in 0.10s ====",
        "FAILED (failures=1, skipped=2)",
        "50% tests passed, 1 tests failed out of 2",
        "##[error]Process completed with exit code 1.",
    ],
)
def test_a_verdict_on_the_whole_is_never_taken_back(verdict: str) -> None:
    assert code(verdict, "BUILD SUCCESSFUL in 3s") == ExitCode.UNKNOWN


def test_a_known_fault_is_named_although_something_else_ended_well_later() -> None:
    assert code(OUT_OF_MEMORY, "BUILD SUCCESSFUL in 3s") == ExitCode.FAILURE


def test_tests_that_pass_vouch_for_all_they_printed_but_for_nothing_before_they_began() -> None:
    assert code(PYTEST.format(OUT_OF_MEMORY)) == ExitCode.OK
    assert code(PYTEST.format("make: *** [all] Error 1")) == ExitCode.OK
    assert code(OUT_OF_MEMORY, PYTEST.format("fine")) == ExitCode.FAILURE


def test_a_run_of_which_nothing_says_that_it_began_takes_back_complaints_alone() -> None:
    verdict = "Ran 2 tests in 0.01s\n\nOK"
    assert code(TRACEBACK, verdict) == ExitCode.OK
    assert code(OUT_OF_MEMORY, verdict) == ExitCode.FAILURE
    assert code("make: *** [all] Error 1", verdict) == ExitCode.UNKNOWN
    assert code('  File "t.py", line 5, in test_oom', OUT_OF_MEMORY, verdict) == ExitCode.OK


def test_a_warning_on_its_own_is_no_fault_where_the_log_goes_on_without_a_complaint() -> None:
    warning = "cuda/__init__.py:129: UserWarning: CUDA initialization: Found no NVIDIA driver on your system."
    lines = [f"page {number} of the book" for number in range(20)]
    assert code(*lines, warning) == ExitCode.FAILURE
    assert code(warning, *lines) == ExitCode.OK
    assert code(warning, *lines, warning) == ExitCode.FAILURE
    assert code(warning, *lines, TRACEBACK) == ExitCode.FAILURE


def test_a_warning_whose_words_stand_below_its_header_is_one() -> None:
    words = "GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation."
    lines = [f"page {number} of the book" for number in range(2)]
    assert code(words, *lines) == ExitCode.FAILURE
    assert code("cuda/__init__.py:287: UserWarning: ", words, *lines) == ExitCode.OK


def test_what_a_model_says_is_no_fault() -> None:
    assert code('Output [Text 0 Beam 0]: "RuntimeError: CUDA out of memory."') == ExitCode.OK
    assert code('RuntimeError: CUDA out of memory. Output [Text 0 Beam 0]: ""') == ExitCode.FAILURE
    assert code("[00:03.000 --> 00:05.000]  Killed") == ExitCode.OK


def test_a_stamp_that_is_a_value_of_the_line_begins_no_other_message() -> None:
    assert code('{"level":"error","ts":"2025-06-20T12:00:02Z","msg":"download failed, retrying"}') == ExitCode.OK
    assert code('{"level":"error","ts":"2025-06-20T12:00:02Z","msg":"download failed"}') == ExitCode.UNKNOWN


def test_an_exception_that_python_ignored_is_none_even_without_a_traceback() -> None:
    ignored = "Exception ignored in: <function _ConnectionBase.__del__ at 0x7f>"
    assert code(ignored, "OSError: [Errno 9] Bad file descriptor") == ExitCode.OK
    assert code("OSError: [Errno 9] Bad file descriptor", ignored) == ExitCode.UNKNOWN


def test_a_fault_that_is_only_a_warning_counts_until_something_comes_up() -> None:
    missing = "libcudnn.so.8: cannot open shared object file: No such file or directory"
    assert code(f"WARNING backend cuda not available: {missing}", "INFO stopped") == ExitCode.FAILURE
    assert code(f"WARNING backend cuda not available: {missing}", "INFO model ready on cpu") == ExitCode.OK
    assert code(f"ImportError: {missing}", "INFO model ready on cpu") == ExitCode.FAILURE


def test_what_was_met_by_trying_again_counts_once_it_is_no_longer_met() -> None:
    fault = "ConnectionError: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded"
    assert code(f"{fault}\nRetrying in 1s", f"{fault}\nRetrying in 2s", "cleanup done") == ExitCode.OK
    assert (
        code(f"{fault}\nRetrying in 1s", f"{fault}\nRetrying in 2s", fault, "aborted", "cleanup done")
        == ExitCode.FAILURE
    )


def test_what_another_writer_tries_again_meets_no_fault() -> None:
    fault = "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory"
    assert code(f"llm-1  | {fault}", "api-1  | llm is not there, retrying", "done.") == ExitCode.FAILURE


def test_what_failed_after_the_tests_is_named_and_not_what_they_provoked() -> None:
    fault = "write /usr/lib/libnvinfer_static.a: no space left on device"
    found = explain("\n".join((PYTEST.format(OUT_OF_MEMORY), fault))).findings
    assert [finding.symptom.id for finding in found] == ["disk-full"]


@pytest.mark.parametrize(
    "complaint",
    [
        "Error: connection refused, retrying in 1s",
        "Error: no GPU found, falling back to the CPU",
        "Error: (expected) no such model",
        "2026-11-28 02:00:00,000 - app - WARNING - the cache said: [ERROR] no such key",
    ],
)
def test_a_line_that_says_how_it_was_met_is_no_failure(complaint: str) -> None:
    assert code(complaint) == ExitCode.OK


@pytest.mark.parametrize(
    "fault",
    [
        "/usr/bin/ld: error: skipping incompatible ./libfoo.a when searching for -lfoo",
        "ERROR: Ignored the following versions that require a different python version: 1.6.2",
        "ERROR: attempt 3/3 failed: connection reset",
        "ERROR: attempt 3 failed, giving up",
        "ERROR: request failed, 0 retries left",
    ],
)
def test_words_that_would_settle_do_not_where_they_say_what_is_missing_or_that_it_was_the_last_try(fault: str) -> None:
    assert code(fault) != ExitCode.OK
    assert code(*[fault] * 60) != ExitCode.OK


def test_a_traceback_behind_a_try_was_not_met_by_it_and_one_before_it_was() -> None:
    assert code("Retrying in 4s [Retry 4/5].", TRACEBACK, "done") == ExitCode.UNKNOWN
    assert code("Retrying in 8s [Retry 5/5].", TRACEBACK, "done") == ExitCode.UNKNOWN
    assert code("probe 4/5 failed, will retry", TRACEBACK, "done") == ExitCode.OK
    assert code(TRACEBACK, "Retrying in 8s [Retry 5/5].", "done") == ExitCode.OK


@pytest.mark.parametrize(
    "wait", ["not ready, sleeping 5s", "waiting for 2 seconds", "+ sleep 1", "server is not up yet, waiting"]
)
def test_what_a_loop_waits_for_was_met_once_it_is_there(wait: str) -> None:
    refused = "curl: (7) Failed to connect to triton port 8000 after 2 ms: Connection refused"
    assert code(refused, wait, refused, wait) == ExitCode.FAILURE
    assert code(refused, wait, refused, wait, "HTTP/1.1 200 OK") == ExitCode.OK
    assert code(refused, wait, refused, "HTTP/1.1 200 Connection established") == ExitCode.FAILURE
    assert code(refused, wait, refused) == ExitCode.FAILURE


REFUSED = "curl: (7) Failed to connect to localhost port 8000 after 0 ms: Connection refused"


@pytest.mark.parametrize(
    "arrived",
    [
        "server is up",
        "port 8000 open",
        "triton:8001 is ready",
        "connected to server",
        '{"text_output":"Paris"}',
        "HTTP 200",
    ],
)
def test_what_was_waited_for_takes_back_that_it_was_not_there(arrived: str) -> None:
    assert code(REFUSED, REFUSED) == ExitCode.FAILURE
    assert code(REFUSED, REFUSED, arrived) == ExitCode.OK
    assert code(REFUSED, arrived, REFUSED) == ExitCode.FAILURE
    assert code(OUT_OF_MEMORY, arrived) == ExitCode.FAILURE


@pytest.mark.parametrize("words", ["no server, running locally", "+ true", "recovered, result 0", "waiting for triton"])
def test_a_line_behind_that_says_how_it_went_on_meets_what_failed(words: str) -> None:
    assert code(TRACEBACK, words) == ExitCode.UNKNOWN
    assert code(TRACEBACK, words, "done") == ExitCode.OK


@pytest.mark.parametrize("words", ["no server, stopping", "timed out waiting for triton", "aborting"])
def test_a_line_behind_that_says_it_ended_meets_nothing(words: str) -> None:
    assert code(TRACEBACK, words, "done") == ExitCode.UNKNOWN


def test_what_is_begun_again_was_tried_again() -> None:
    clone, fault = (
        "Cloning into 'c'...",
        "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com",
    )
    assert code(clone, fault, clone, "done.") == ExitCode.OK
    assert code(clone, fault, "done.") == ExitCode.FAILURE
    assert code(clone, fault, clone, fault, "done.") == ExitCode.FAILURE


def test_a_line_that_comes_again_says_nothing_of_how_the_first_was_met() -> None:
    line_ = "E1128 14:33:50.46{} 20094 memcache.go:265] odd"
    repeated = [line_.format(number) for number in range(6)]
    assert code(*repeated, "no cluster here, using docker", "done") == ExitCode.OK
    assert code(*repeated, "done") == ExitCode.UNKNOWN


def test_a_try_is_begun_again_also_where_it_said_more_before_it_failed() -> None:
    clone, fault = "Cloning into 'c'...", "fatal: Remote branch v0.99 not found in upstream origin"
    assert code(clone, "warning: Could not find remote branch v0.99 to clone.", fault, clone, "done.") == ExitCode.OK


@pytest.mark.parametrize(
    "line_",
    ["checking for cuda.h... fatal error: x", "ERROR: odd, backing off 1s", "ERROR: odd; retry with half the batch"],
)
def test_a_probe_and_a_retry_are_no_failures(line_: str) -> None:
    assert code(line_) == ExitCode.OK


def test_advice_to_try_again_meets_nothing() -> None:
    assert code(TRACEBACK, "Please retry with `force_download=True`.", "done") == ExitCode.UNKNOWN


def test_a_warning_of_python_is_no_fault_by_itself_and_says_nothing_of_the_line_above_it() -> None:
    warning = "load.py:6: {}Warning: The repository for ccdv/cnn_dailymail contains custom code which must be executed"
    assert code(warning.format("Future")) == code(warning.format("Deprecation")) == ExitCode.OK
    assert code(TRACEBACK, warning.format("Future"), "done") == ExitCode.UNKNOWN


DESCRIBED = """Name:             triton-0
    Restart Count:  {restarts}
Conditions:
  Type                        Status
  Ready                       {ready}
Events:
  Type     Reason            Age    From               Message
  ----     ------            ----   ----               -------
  Warning  FailedScheduling  11m    default-scheduler  0/5 nodes are available: 5 Insufficient nvidia.com/gpu.
  Warning  Unhealthy         2m51s  kubelet            Startup probe failed: dial tcp 10.4.3.17:8000: connection refused
"""


def test_what_a_pod_met_before_it_was_ready_is_past_unless_it_was_restarted() -> None:
    assert code(DESCRIBED.format(ready="True", restarts=0)) == ExitCode.OK
    assert code(DESCRIBED.format(ready="False", restarts=0)) == ExitCode.FAILURE
    assert code(DESCRIBED.format(ready="True", restarts=3)) == ExitCode.FAILURE
    both = DESCRIBED.format(ready="True", restarts=0) + DESCRIBED.format(ready="False", restarts=0)
    assert code(both) == ExitCode.FAILURE
    assert code(DESCRIBED.format(ready="True", restarts=0), TRACEBACK) == ExitCode.UNKNOWN


STATUS = """● triton.service - Triton
     Active: {active} since Wed 2024-09-11 10:01:12 UTC; 3h 2min ago
    Process: 2300 ExecStartPre=/usr/bin/docker rm -f triton (code=exited, status=1/FAILURE)
"""
BANNER = """== Triton Inference Server ==
{says}
  [[System has unsupported display driver / cuda driver combination (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH) cuInit()=803]]
"""


def test_what_a_report_tells_of_the_past_counts_only_where_the_thing_is_not_well_now() -> None:
    assert code(STATUS.format(active="active (running)")) == ExitCode.OK
    assert code(STATUS.format(active="failed (Result: exit-code)")) == ExitCode.UNKNOWN
    assert code(BANNER.format(says="WARNING: CUDA Minor Version Compatibility mode ENABLED.")) == ExitCode.OK
    assert code(BANNER.format(says="ERROR: compatibility mode is UNAVAILABLE.")) == ExitCode.FAILURE


PODS = "NAME   READY  STATUS   RESTARTS  AGE\nllm-0  1/1    Running  {restarts}         9m\n"
EVENT = '3m10s  Warning  Unhealthy  pod/llm-0  Startup probe failed: Get "http://10.4.3.1:8000/": connection refused'


def test_what_events_tell_of_pods_that_all_are_well_is_past() -> None:
    assert code(PODS.format(restarts=0), EVENT) == ExitCode.OK
    assert code(PODS.format(restarts=3), EVENT) == ExitCode.FAILURE
    assert code(PODS.format(restarts=0), "llm-1  0/1    Pending  0         9m", EVENT) == ExitCode.FAILURE
    assert code(EVENT) == ExitCode.FAILURE


UNPULLED = "denied: requested access to the resource is denied"


def test_what_compose_cannot_pull_it_builds_where_it_says_warning() -> None:
    assert code(f" ! gateway Warning pull access denied for acme/gateway, {UNPULLED}  1.1s") == ExitCode.OK
    assert code(f" ✘ gateway Error pull access denied for acme/gateway, {UNPULLED}  1.1s") == ExitCode.FAILURE


AWAY = "Err:2 http://ppa.example.net jammy InRelease\n  Could not connect to ppa.example.net:80, connection timed out"
WITHOUT = "W: Failed to fetch http://ppa.example.net/dists/jammy/InRelease  Could not connect to ppa.example.net:80"
OLD_ONES = "W: Some index files failed to download. They have been ignored, or old ones used instead."


def test_a_source_that_apt_goes_on_without_is_no_fault_once_it_has_installed_what_it_should() -> None:
    assert code(AWAY, WITHOUT, OLD_ONES, "Setting up git-lfs (3.0.2-1) ...") == ExitCode.OK
    assert code(AWAY, WITHOUT, OLD_ONES, "E: Unable to locate package git-lfs") == ExitCode.FAILURE
    assert code(AWAY, "Setting up git-lfs (3.0.2-1) ...") == ExitCode.FAILURE


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("Step 1/5 : FROM ubuntu", "Successfully built 3b3c4d5e6f70\nSuccessfully tagged llm:1"),
        ("STEP 1/4: FROM ubuntu", "COMMIT llm:1\n--> 5aa1b2c3d4e5\nSuccessfully tagged localhost/llm:1"),
        ("[+] Building 3.2s (9/9) FINISHED", " => => naming to docker.io/acme/llm:1   0.0s"),
        ("#0 building with default", "#9 pushing manifest for acme/llm:1@sha256:1a2b done"),
        ("INFO[0000] Retrieving image manifest ubuntu", "INFO[0301] Pushed registry.local/llm@sha256:11aa"),
    ],
)
def test_an_image_that_was_built_vouches_for_what_its_steps_said(begins: str, ends: str) -> None:
    assert code(begins, OUT_OF_MEMORY, ends) == ExitCode.OK
    assert code(OUT_OF_MEMORY, begins, ends) == ExitCode.FAILURE
    assert code(begins, OUT_OF_MEMORY) == ExitCode.FAILURE


MEANWHILE = "During handling of the above exception, another exception occurred:"
FRAMES = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\n'


@pytest.mark.parametrize(
    "trace",
    [
        f"Exception ignored in: <function LLM.__del__ at 0x7f3>\n{FRAMES}RuntimeError: cannot schedule new futures",
        f"{FRAMES}KeyboardInterrupt",
        f"{FRAMES}asyncio.exceptions.CancelledError\n\n{MEANWHILE}\n\n{FRAMES}KeyboardInterrupt",
    ],
)
def test_what_python_ignores_and_what_a_person_stops_is_no_failure(trace: str) -> None:
    assert code(trace) == ExitCode.OK
    assert code(trace, TRACEBACK) == ExitCode.UNKNOWN


def test_what_a_model_was_told_or_says_complains_of_nothing() -> None:
    assert code("[TRT-LLM] [I]  Article : ['A fatal error: the pilot failed to respond']") == ExitCode.OK
    assert code('{"text_output": "fatal error: x"}') == ExitCode.OK
    assert code("fatal error: the pilot failed to respond") == ExitCode.UNKNOWN


@pytest.mark.parametrize(
    "reading", ['    "OOMKilled": false,', "   Uncorrectable Error         : 0", "OOMKilled=false"]
)
def test_a_count_of_nothing_is_no_fault(reading: str) -> None:
    assert code(reading) == ExitCode.OK


def test_a_line_that_says_it_tries_again_names_no_fault() -> None:
    reset = "raised ConnectionResetError: [Errno 104] Connection reset by peer"
    assert code(f"WARNING:dl:Retrying f in 0.1 seconds as it {reset}") == ExitCode.OK
    assert code(f"RuntimeError: {reset}") == ExitCode.FAILURE


def test_a_warning_that_was_lived_with_explains_nothing_that_fails_later() -> None:
    hint = "WARNING: The NVIDIA Driver was not detected.  GPU functionality will not be available."
    assert code(hint, TRACEBACK) == ExitCode.FAILURE
    assert code(hint, "Application startup complete.", TRACEBACK) == ExitCode.UNKNOWN


PORT_TAKEN = "OSError: [Errno 98] Address already in use"
NO_MODULE = "ModuleNotFoundError: No module named 'colorama'"


@pytest.mark.parametrize("fault", [PORT_TAKEN, NO_MODULE, "x.c:1:10: fatal error: cudnn.h: No such file or directory"])
@pytest.mark.parametrize(
    "end",
    [
        "served 4 requests, 0 lost",
        "Started HTTPService at :8000",
        "BUILD SUCCESSFUL in 3s",
        " INFO text_generation_router::server: router/src/server.rs:2266: Connected",
    ],
)
def test_a_good_end_takes_back_what_a_program_can_live_with(fault: str, end: str) -> None:
    assert code(fault) == ExitCode.FAILURE
    assert code(fault, end) == ExitCode.OK
    assert code(fault, end, fault) == ExitCode.FAILURE
    assert code(end, fault) == ExitCode.FAILURE


def test_where_a_verdict_stands_nothing_was_lived_with() -> None:
    assert code(NO_MODULE, "make: *** [all] Error 1", "upload finished successfully") == ExitCode.FAILURE


def test_the_good_end_of_another_container_says_nothing_of_what_this_one_lived_with() -> None:
    assert code(f"a-1  | {PORT_TAKEN}", "b-1  | Application startup complete.") == ExitCode.FAILURE
    assert code(f"a-1  | {PORT_TAKEN}", "a-1  | Application startup complete.") == ExitCode.OK


LOGGED = f'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\n{OUT_OF_MEMORY}'


RETRIED = "worker failed, trying again"


@pytest.mark.parametrize("end", ["done", "Cleanup done", "stopped gracefully", "exit code: 0", "upload: 3 of 3 done"])
def test_a_closing_word_takes_back_only_what_the_log_says_was_met(end: str) -> None:
    assert code(TRACEBACK, end) == ExitCode.UNKNOWN
    assert code(TRACEBACK, RETRIED, end) == ExitCode.OK
    assert code(PORT_TAKEN, end) == ExitCode.FAILURE
    assert code(PORT_TAKEN, RETRIED, end) == ExitCode.OK
    assert code(TRACEBACK, RETRIED, end, TRACEBACK, end) == ExitCode.UNKNOWN
    assert code(f"a-1  | {PORT_TAKEN}", f"a-1  | {RETRIED}", f"b-1  | {end}") == ExitCode.FAILURE
    assert code(f"a-1  | {PORT_TAKEN}", f"a-1  | {RETRIED}", f"b-1  | {end}", f"a-1  | {end}") == ExitCode.OK


@pytest.mark.parametrize("epilogue", EPILOGUES[::4], ids=repr)  # the benchmark takes them all
def test_nothing_that_an_epilogue_says_changes_what_a_failure_is_called(epilogue: str) -> None:
    assert silenced(epilogue) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("ERROR batch 8 does not fit, trying the next size", ""), ("", "[rank 1] falling back to CPU")],
)
def test_a_traceback_is_lived_with_where_the_line_before_or_after_it_says_how_it_went_on(
    before: str, after: str
) -> None:
    handled = "\n".join(filter(None, (before, LOGGED, after)))
    assert code(handled, "all requests answered") == ExitCode.OK
    assert code(handled, "done") == ExitCode.OK
    assert code(handled) == ExitCode.FAILURE, "nothing says that it ended well"
    assert code(LOGGED, "all requests answered") == ExitCode.FAILURE, "nothing says that it was handled"


def test_what_a_source_line_would_raise_was_not_said() -> None:
    frame = 'Traceback (most recent call last):\n  File "m.py", line 4, in <module>\n'
    quoted = f"{frame}    if full: raise RuntimeError('CUDA out of memory')\n"
    assert code(f"{quoted}ValueError: odd") == ExitCode.UNKNOWN
    assert code(f"{quoted}RuntimeError: CUDA out of memory") == ExitCode.FAILURE


RECAP = "localhost : ok=4  changed=2  unreachable=0    failed={}    skipped=0    rescued=1    ignored=1"
TASK = f"PLAY [localhost] *****\n\nfatal: [localhost]: FAILED! => {OUT_OF_MEMORY}\n\nPLAY RECAP *********"


def test_a_play_in_which_no_host_failed_vouches_for_its_tasks() -> None:
    assert code(TASK, RECAP.format(0), "") == ExitCode.OK
    assert code(TASK, RECAP.format(0), RECAP.format(1), "") == ExitCode.FAILURE
    assert code(TASK, RECAP.format(1), RECAP.format(0), "") == ExitCode.FAILURE


def test_a_launcher_that_ended_normally_says_nothing_of_its_ranks() -> None:
    assert code(PORT_TAKEN, "Primary job  terminated normally") == ExitCode.FAILURE


def test_many_lines_that_settle_themselves_hide_none_that_does_not() -> None:
    retries = ["ERROR: no answer, retrying in 1s"] * 500
    assert code(*retries) == ExitCode.OK
    assert code(*retries, TRACEBACK, *retries) == ExitCode.UNKNOWN
    assert code(*retries, OUT_OF_MEMORY) == ExitCode.FAILURE


def test_a_good_end_speaks_for_its_own_container_alone() -> None:
    good = "Application startup complete."
    assert code("api-1  | Error: odd", f"api-1  | {good}") == ExitCode.OK
    assert code("worker-1  | Error: odd", f"api-1  | {good}") == ExitCode.UNKNOWN
    assert code("worker-1  | Error: odd", "Job succeeded") == ExitCode.OK


def test_a_course_keeps_as_much_of_a_long_log_as_of_a_short_one() -> None:
    course = Course()
    for number in range(1, 10 * KEPT):
        course.fail(Failure(line=line(number)))
    assert course.full
    assert [kept.line.number for kept in course.failures] == list(range(1, KEPT + 1))
    course.succeed(b"")
    assert (course.failures, course.full) == ((), False)


def test_a_run_that_failed_is_over() -> None:
    course = Course()
    course.begin("pytest", 1)
    course.fail(Failure(line=line(5), final=True), runner="pytest")
    assert not course.running("pytest")
    assert course.passed("pytest", 9, b"") == 9
    assert [known.line.number for known in course.failures] == [5]
