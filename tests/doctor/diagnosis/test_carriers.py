"""A few faults are found behind whatever carries a log: on one line, and in a table that cuts them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from doctor.diagnosis.sightings import Spotter
from doctor.diagnosis.symptoms import catalogue

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
