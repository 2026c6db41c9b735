import re
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from doctor.diagnosis.cause import Diagnosis, explain
from doctor.diagnosis.findings import Finding
from doctor.diagnosis.patterns import patterns, words
from doctor.diagnosis.signatures import WINDOW
from doctor.diagnosis.symptoms import PLACEHOLDER, Symptom, catalogue
from environment.errors import ExitCode
from tests.doctor.corpus import LOGS, PARTS, Recorded, corpus, names, rounds, wordings

ROWS = catalogue().symptoms
IDS = {row.id for row in ROWS}
GENERAL = {regex for row in ROWS if row.rank == "general" for regex in row.patterns}
PATTERNS = sorted(GENERAL | {pattern.regex for pattern in (*patterns(catalogue()), *words(catalogue()))})
DEVELOPMENT = corpus("development")
WORDINGS = [(wording.answer, line) for wording in wordings() for line in wording.lines]


@cache
def diagnosis_of(log: Path | str) -> Diagnosis:
    """Made once for each log and line, however many tests look at it."""
    return explain(log)


def told(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    return diagnosis.findings + ((diagnosis.general,) if diagnosis.general else ())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_symptom_has_a_source_a_remedy_and_a_sample_that_it_explains(row: Symptom) -> None:
    assert row.sources
    assert row.remedy
    assert row.literals or row.patterns
    assert all(re.fullmatch(r"[A-Z]\d{3}", check) for check in row.checks)
    logs = [log.path for log in DEVELOPMENT if log.answer == row.id or log.file == f"development/{row.id}.log"]
    samples: list[Path | str] = [*logs, *(line for answer, line in WORDINGS if answer == row.id)]
    assert samples, "write its words into wordings.toml, or a log and its answer under tests/doctor/logs/development"
    assert row.id in [finding.symptom.id for sample in samples for finding in told(diagnosis_of(sample))]


@pytest.mark.parametrize("log", DEVELOPMENT, ids=lambda log: log.file)
def test_every_development_log_has_its_answer_named_first_or_is_an_unknown_failure(log: Recorded) -> None:
    diagnosis = diagnosis_of(log.path)
    assert log.answered_by(names(diagnosis)), names(diagnosis)
    assert diagnosis.exit_code == (ExitCode.FAILURE if log.answer else ExitCode.UNKNOWN)
    assert log.source


def test_every_wording_of_a_message_is_known_by_itself() -> None:
    for answer, line in WORDINGS:
        first = diagnosis_of(line).told
        assert (first.symptom.id if first else "") == answer, line


def test_no_two_rows_explain_one_line_equally_well() -> None:
    """Else the order of the files would decide; `more_specific_than` says which of them knows more."""
    for sample in (*(log.path for log in DEVELOPMENT), *(line for _, line in WORDINGS)):
        findings = diagnosis_of(sample).findings
        equal = [finding.symptom.id for finding in findings if standing(finding) == standing(findings[0])]
        assert len(equal) <= 1, sample


def standing(finding: Finding) -> tuple[str, bool, int]:
    return finding.symptom.rank, finding.symptom.hint, finding.line.number


def test_every_wording_names_where_it_was_read() -> None:
    assert all(wording.source and wording.lines for wording in wordings())


def test_every_log_that_was_held_back_keeps_what_happened_at_its_first_run() -> None:
    assert {log.first_run for log in corpus("held_back") if not log.healthy} <= {"right", "missed", "unknown"}
    assert {log.first_run for log in corpus("held_back") if log.healthy} <= {"silent", "alarm"}
    assert {log.first_run for log in corpus("development")} == {"right", "missed", "unknown", ""}
    assert {log.first_run for log in corpus("healthy")} <= {"silent", "alarm", ""}


def test_the_counts_of_a_round_that_is_not_kept_go_together() -> None:
    for round_ in rounds():
        assert 0 <= round_.right <= round_.named <= round_.causes
        assert 0 <= round_.alarms <= round_.healthy
        assert re.fullmatch("[0-9a-f]{7}", round_.commit)


@pytest.mark.parametrize("log", corpus("healthy"), ids=lambda log: log.file)
def test_a_healthy_log_gives_no_finding(log: Recorded) -> None:
    diagnosis = diagnosis_of(log.path)
    assert diagnosis.findings == ()
    assert diagnosis.unknown == ()


def test_every_log_has_an_answer_and_every_answer_a_log() -> None:
    logs = {str(path.relative_to(LOGS)) for path in LOGS.rglob("*.log")}
    answered = [log.file for part in PARTS for log in corpus(part)]
    assert logs == set(answered)
    assert len(answered) == len(set(answered))
    assert {
        name for part in ("development", "held_back") for log in corpus(part) for name in (log.answer, *log.also)
    } <= {
        "",
        *IDS,
    }


def test_ids_are_unique_and_references_exist() -> None:
    assert Counter(row.id for row in ROWS).most_common(1)[0][1] == 1
    assert Counter(line.id for line in catalogue().harmless).most_common(1)[0][1] == 1
    assert {name for row in ROWS for name in row.look_first_for + row.more_specific_than} <= IDS


def test_every_runner_report_and_thing_is_described_once() -> None:
    marks = catalogue().marks
    names = [runner.name for runner in marks.runner]
    names += [report.name for report in marks.status] + [thing.name for thing in marks.thing]
    assert len(names) == len(set(names))
    assert all("(?P<thing>" in regex for thing in marks.thing for regex in (*thing.ails, *thing.recovers))


def test_a_case_is_one_of_a_failure_that_is_none_itself_and_yields_to_nothing_that_the_failure_does_not() -> None:
    rows = {row.id: row for row in ROWS}
    cases = [row for row in ROWS if row.case_of]
    assert cases
    for row in cases:
        failure = rows[row.case_of]
        assert not failure.case_of
        assert row.rank in ("primary", failure.rank)
        assert row.failure == failure.id


def test_no_two_rows_replace_each_other() -> None:
    """Else neither of them would be told."""
    replaced = {(row.id, other) for row in ROWS for other in row.replaces}
    assert not {pair for pair in replaced if pair[::-1] in replaced}


def test_every_placeholder_that_looks_like_one_is_captured() -> None:
    """`{name}` in a text is filled from the log, so a pattern must capture it; `${name}` and JSON braces are shell."""
    for row in ROWS:
        assert said(row) <= set(row.captured), row.id


def test_every_value_that_a_row_captures_is_told() -> None:
    assert {row.id: sorted(set(row.captured) - said(row)) for row in ROWS if set(row.captured) - said(row)} == {}


def said(row: Symptom) -> set[str]:
    """The names of the values that its texts tell."""
    return set(PLACEHOLDER.findall(" ".join((row.cause, *row.details, *row.between, *row.remedy))))


def test_no_pattern_repeats_without_bound_what_matches_almost_anything() -> None:
    """No endless `.`, negated set or group: those are what backtracking blows up on, and what matches too much."""
    endless = re.compile(r"(?<!\\)\.[*+]|\[\^[^\]]*\][*+]|(?<!\\)\)[*+]|(?:\{\d+,\})")
    assert not [pattern for pattern in PATTERNS if endless.search(pattern)]


def test_no_set_holds_a_character_of_several_bytes() -> None:
    """Logs are matched as bytes: a set takes one of them, so a full-width colon in it would never match."""
    sets = re.compile(r"\[(?!\^)[^\]]*[^\x00-\x7f][^\]]*\]")
    assert [pattern for pattern in PATTERNS if sets.search(pattern)] == []


def test_no_pattern_is_broken_over_two_lines() -> None:
    """A line break in TOML's double quotes is one, and not the two characters that a pattern wants."""
    assert [pattern for pattern in PATTERNS if "\n" in pattern] == []


def test_no_pattern_backtracks_catastrophically() -> None:
    """The window in which Python's `re` looks again, filled with what the pattern likes and never lets it end."""
    for pattern in PATTERNS:
        ends_quickly(pattern)


def test_a_pattern_that_backtracks_catastrophically_is_refused() -> None:
    with pytest.raises(AssertionError):
        ends_quickly(r"[\w.]{0,200}[\w.]{0,200}!!")


def ends_quickly(pattern: str) -> None:
    compiled = re.compile(pattern.encode(), re.MULTILINE)
    for word in (literal_start(pattern), "0", "a.", " ", "'", '"text_output": "', "E1120 10:00:00 ", "a-"):
        text = (word * WINDOW).encode()[: 2 * WINDOW]
        # The best of three: a machine may stall once, a pattern that blows up does it each time.
        assert any(is_quick(search_seconds(compiled, text)) for _ in range(3)), pattern


def is_quick(seconds: float) -> bool:
    """No more than twenty times what it takes to look at 900 characters from each place, on this machine and now."""
    return seconds < 0.1 or seconds < 20 * search_seconds(re.compile(rb"[^\n]{0,900}x!y"), b"a." * WINDOW)


def search_seconds(compiled: re.Pattern[bytes], text: bytes) -> float:
    """CPU seconds of three searches; the slowest pattern takes some seven times what `is_quick` measures against."""
    started = time.process_time()
    for end in (b"", b"\n", b"!"):
        compiled.search(text + end)
    return time.process_time() - started


def literal_start(pattern: str) -> str:
    """The literal characters a pattern begins with, wherever they begin."""
    letters = re.findall(r"[A-Za-z ]{3,}", pattern.replace("\\ ", " "))
    return letters[0] if letters else "x"
