"""A few faults are found behind whatever carries a log: on one line, and in a table that cuts them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from doctor.diagnosis.sightings import Spotter
from doctor.diagnosis.symptoms import catalogue
from tests.doctor.corpus import wordings

FAULTS = (
    "load library failed: libnvidia-ml.so.1: cannot open shared object file",
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
    "nvml error: driver not loaded",
    "Killed",
)
LEADS = (
    "",
    "triton-1  | ",
    "[pod/triton-0/server] ",
    "[1,0]<stderr>:",
    "Sat Nov 28 18:02:{n:02} 2026[1,0]<stderr>:",
    "[prterun-host-1@1,0]<stdout>: ",
    "[0] ",
    "2026-11-28T18:02:00.1234567{n:02}Z ",
    "2026-11-28T18:02:00.1234567{n:02}Z stderr F ",
    "[2026-11-28T18:02:00.1{n:02}Z] ",
    "build\tRun tests\t2026-11-28T18:02:00.12345{n:02}Z ",
    "Nov 28 18:02:{n:02} host triton[12]: ",
    "Nov 28 18:02:00.1234{n:02} host triton[12]: ",
    "2026-11-28T18:02:{n:02}+0000 host triton[12]: ",
    "<134>1 2026-11-28T18:02:00.1{n:02}Z host triton 12 ID47 - ",
    "#12 {n}.345 ",
    "\ufeff",
    "\f",
    "^[[31m",
    "\\x1b[31m",
)
TABLES_ONLY = (
    "0: ",
    "triton-7f server | ",
    "triton-7f server ",
    '2026-11-28T18:02:{n:02}Z {{app="triton", pod="x-1"}} ',
    "    ",
    "\t",
)
ENVELOPES = (
    '{{"log":{text},"stream":"stderr","time":"2026-11-28T18:02:00.123456789Z"}}',
    '{{"log":{text},"stream":"stderr","attrs":{{"tag":"web"}},"time":"2026-11-28T18:02:00.123456789Z"}}',
    '{{"labels":{{"app":"triton"}},"line":{text},"timestamp":"2026-11-28T18:02:00.123Z"}}',
)
WIDTH = 37


UNKNOWN = (  # carriers that are not told from the line itself
    "0: ",
    " 3: ",
    "triton-7f server ",
    "2026-11-28T18:02:{n:02}Z 00O ",
    '2026-11-28T18:02:{n:02}Z {{app="triton", pod="x-1"}} ',
    "triton.1.abc@host    | ",
    "gpu1\t",
)
RUN_ON = ("<|im_end|>", "<|im_start|>user")


@pytest.fixture(scope="module")
def expected() -> dict[str, set[str]]:
    return {fault: found([fault]) for fault in FAULTS}


def found(lines: list[str]) -> set[str]:
    text = "".join(line + "\n" for line in lines)
    return set(Spotter(catalogue()).read(io.BytesIO(text.encode())).symptoms)


def table(text: str) -> Iterator[str]:
    rule = f"+{'-' * 7}+{'-' * 9}+{'-' * (WIDTH + 2)}+"
    yield rule
    for start in range(0, len(text), WIDTH):
        model, version = ("", "") if start else ("llm", "1")
        yield f"| {model:<5} | {version:<7} | {text[start : start + WIDTH]:<{WIDTH}} |"
    yield rule


def behind(lead: str, lines: list[str]) -> list[str]:
    return [lead.format(n=number + 8) + line for number, line in enumerate(lines)]


def enveloped(envelope: str, lines: list[str]) -> list[str]:
    return [envelope.format(text=json.dumps(line + "\n")) for line in lines]


@pytest.mark.parametrize("lead", LEADS)
def test_a_fault_is_found_on_a_line(lead: str, expected: dict[str, set[str]]) -> None:
    for fault, symptoms in expected.items():
        assert symptoms
        assert found(behind(lead, [fault])) >= symptoms


@pytest.mark.parametrize("lead", UNKNOWN)
def test_a_fault_is_found_behind_a_carrier_that_nobody_knows(lead: str, expected: dict[str, set[str]]) -> None:
    for fault, symptoms in expected.items():
        assert found(behind(lead, [fault])) >= symptoms


@pytest.mark.slow
@pytest.mark.parametrize("lead", LEADS[1:])
def test_what_a_row_knows_is_called_the_same_behind_a_carrier(lead: str) -> None:
    lines = {wording.answer: line for wording in wordings() for line in wording.lines if "\n" not in line}
    lost = [line for line in lines.values() if found(behind(lead, [line])) != found([line])]
    assert lost == []


@pytest.mark.parametrize("line", ["Task Killed by user", "0: Killed 3 stale requests", "12: Graph was Killed: no"])
def test_a_word_that_is_not_the_whole_message_is_no_fault(line: str) -> None:
    assert found([line]) == set()


@pytest.mark.parametrize("lead", LEADS + UNKNOWN)
def test_an_answer_that_runs_on_is_found_where_a_log_begins_with_it(lead: str) -> None:
    assert found(behind(lead, [*RUN_ON])) == {"generation-never-stops"}


@pytest.mark.parametrize("before", ["<|im_start|>system", "You are helpful."])
def test_a_prompt_is_no_answer_that_runs_on(before: str) -> None:
    assert found([before, *RUN_ON]) == set()
    assert found([f"{before}{RUN_ON[0]}", RUN_ON[1]]) == set()


@pytest.mark.parametrize("lead", LEADS + TABLES_ONLY)
def test_a_fault_is_found_in_a_table(lead: str, expected: dict[str, set[str]]) -> None:
    for fault in FAULTS[:2]:
        assert found(behind(lead, list(table(fault)))) >= expected[fault]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_a_fault_is_found_in_an_envelope(envelope: str, expected: dict[str, set[str]]) -> None:
    for fault in FAULTS:
        assert found(enveloped(envelope, [fault])) >= expected[fault]
    for fault in FAULTS[:2]:
        assert found(enveloped(envelope, list(table(fault)))) >= expected[fault]
