import pytest

from doctor.diagnosis.cause import explain
from doctor.diagnosis.course import Line
from doctor.diagnosis.findings import Finding
from doctor.diagnosis.patterns import patterns
from doctor.diagnosis.refusals import refusal
from doctor.diagnosis.symptoms import catalogue
from environment.errors import ExitCode

UNHEARD = "OddError: the moon is full"
REFUSED = "ValueError: the moon must be divisible by 4"


def general(text: str) -> str:
    found = explain(text).general
    return found.symptom.id if found else ""


def found(text: str) -> str:
    told = refusal(catalogue(), [Line(number=1, text=text)])
    return told[0].id if told else ""


def test_what_no_row_knows_is_told_in_general_terms() -> None:
    diagnosis = explain(f'fine\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n{REFUSED}')
    assert diagnosis.general
    assert (diagnosis.general.symptom.id, diagnosis.general.line.number) == ("refused-not-divisible", 4)
    assert diagnosis.told == diagnosis.general


def test_what_is_told_in_general_terms_is_no_known_fault() -> None:
    diagnosis = explain(REFUSED)
    assert (diagnosis.findings, diagnosis.exit_code) == ((), ExitCode.UNKNOWN)
    assert [line.text for line in diagnosis.unknown] == [REFUSED]


def test_the_values_that_disagree_are_general() -> None:
    told = explain("AssertionError: Plugin gemm expects values in float16, got float32").general
    assert told
    assert told.between == ("values in float16", "float32")


def test_only_the_first_line_that_says_anything_is_asked() -> None:
    assert general(f"{REFUSED}\n{UNHEARD}") == "refused-not-divisible"
    assert general(f"{UNHEARD}\n{REFUSED}") == ""
    assert explain(f"{UNHEARD}\n{REFUSED}").exit_code == ExitCode.UNKNOWN


def test_a_row_that_knows_the_cause_is_the_only_one_that_speaks() -> None:
    diagnosis = explain(f"{REFUSED}\n[TensorRT-LLM][ERROR] Assertion failed: mpiSize == tp * pp (worldConfig.cpp:89)")
    assert [finding.symptom.id for finding in diagnosis.findings] == ["mpi-world-size-mismatch"]
    assert diagnosis.general is None


def test_a_line_that_tells_a_consequence_explains_nothing() -> None:
    line = "E0101 00:00:00.1 1 x.cc:1] Invalid argument: ensemble 'e' depends on 'm' which has no loaded version."
    assert general(line) == ""


def test_what_a_good_end_takes_back_is_not_told() -> None:
    assert explain(f'{REFUSED}\nI1 grpc_server.cc:1] "Started GRPCInferenceService at 127.0.0.1:8001"').told is None


@pytest.mark.parametrize("line", [f"[TensorRT-LLM][WARNING] {REFUSED}", f"I tell: {REFUSED}"])
def test_a_line_that_is_no_complaint_is_not_asked(line: str) -> None:
    assert explain(line).told is None


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("failed to load 'm' version 1: Invalid argument: the moon is full", ""),
        ("[StatusCode.UNAVAILABLE] the moon is full", ""),
        ("failed to load 'm' version 1: Invalid argument: no such moon", "refused-not-found"),
        ("unexpected error when creating modelInstanceState: the moon is required", "refused-missing-option"),
    ],
)
def test_the_kind_of_an_error_is_no_part_of_what_it_says(line: str, row: str) -> None:
    assert found(line) == row


@pytest.mark.parametrize(
    "line",
    [
        "RuntimeError: CUDA error: an illegal memory access was encountered, invalid argument",
        "NCCL error: unhandled system error, not supported",
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    ],
)
def test_what_means_something_else_there_is_left_unknown(line: str) -> None:
    assert found(line) == ""


def test_general_rows_are_never_looked_for_in_a_whole_log() -> None:
    general = {row.id for row in catalogue().symptoms if row.rank == "general"}
    assert general
    assert not general & {pattern.id for pattern in patterns(catalogue())}


def test_a_finding_of_a_general_row_shows_no_unfilled_value() -> None:
    for row in (row for row in catalogue().symptoms if row.rank == "general"):
        finding = Finding(symptom=row, line=Line(number=1, text="x"), confidence="inferred", primary=False)
        assert "{" not in " ".join((finding.cause, *finding.remedy, *finding.between))
