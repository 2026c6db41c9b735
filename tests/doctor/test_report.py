"""The report for people and for programs, and the exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from doctor import page, report, text
from doctor.checks.registry import CHECKS
from doctor.checks.texts import LANGUAGES, texts
from doctor.examination import outcome
from doctor.judgement import judged
from doctor.outcome import Check, Finding, Outcome, State
from doctor.subject import Subject
from environment.errors import ExitCode
from environment.unknown import Unknown
from tests.doctor.well import NOT_READ, WELL, changed

SCHEMA = json.loads((Path(report.__file__).parent / "doctor.schema.json").read_text(encoding="utf-8"))
ILL = changed(WELL, {"gpus__devices": (), "host__memory": NOT_READ, "docker__engine": "down"})


def told(state: State, *, required: bool = False, crashed: bool = False) -> Outcome:
    return Outcome(
        id="H001", slug="a", title="A", state=state, message="m", fix="f", required=required, crashed=crashed
    )


def breaks(subject: Subject) -> Finding:
    raise RuntimeError(f"broken on {subject.release.tag}")


@pytest.mark.parametrize(
    ("outcomes", "strict", "code"),
    [
        ([], False, ExitCode.OK),
        ([told(State.PASS), told(State.NOTE), told(State.SKIP), told(State.WARN)], False, ExitCode.OK),
        ([told(State.WARN)], True, ExitCode.FAILURE),
        ([told(State.FAIL), told(State.UNKNOWN, required=True)], False, ExitCode.FAILURE),
        ([told(State.UNKNOWN, required=True)], False, ExitCode.UNKNOWN),
        ([told(State.UNKNOWN)], False, ExitCode.OK),
        ([told(State.UNKNOWN)], True, ExitCode.UNKNOWN),
        ([told(State.UNKNOWN, crashed=True), told(State.FAIL)], False, ExitCode.BUG),
    ],
)
def test_the_exit_code_says_how_it_ended(outcomes: list[Outcome], strict: bool, code: ExitCode) -> None:
    assert report.exit_code(outcomes, strict=strict) is code


@pytest.mark.parametrize("subject", [WELL, ILL], ids=["well", "ill"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_what_its_schema_says(subject: Subject, language: str) -> None:
    document = report.document(judged(subject, language), {"tag": "v0.10.0", "source": "host"})
    plain = json.loads(json.dumps({"schema": report.SCHEMA, **document}, default=list))
    jsonschema.validate(plain, SCHEMA)
    assert sum(plain["summary"].values()) == len(plain["outcomes"]) == len(CHECKS)


def test_a_check_that_breaks_is_an_outcome_and_the_others_go_on() -> None:
    rule = CHECKS[0]
    broken: Check[Subject] = Check(
        id=rule.id, slug=rule.slug, worst=rule.worst, source=rule.source, reads=rule.reads, judge=breaks
    )
    said = outcome(broken, WELL, texts("en"))
    assert (said.state, said.crashed) == (State.UNKNOWN, True)
    assert "RuntimeError: broken on v0.10.0" in said.message
    assert len(judged(WELL, checks=[broken, *CHECKS[1:]])) == len(CHECKS)
    assert report.exit_code([said]) is ExitCode.BUG


def test_the_worst_comes_first() -> None:
    shown = text.told(judged(ILL), texts("en"), heading="doctor")
    marks = re.findall(r"^(FAIL|UNKNOWN|WARN|note|pass|skip)  ", shown, re.MULTILINE)
    assert marks == sorted(marks, key=["FAIL", "UNKNOWN", "WARN", "note", "pass", "skip"].index)


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_stay_in_their_width_but_commands_are_never_broken(width: int, language: str) -> None:
    words = texts(language)
    shown = text.told(judged(ILL, language), words, heading="doctor", width=width)
    mend = words.common["report"]["mend"]
    prose = [line for line in shown.splitlines() if not line.strip().startswith(mend)]
    heads = ("doctor", "FAIL", "WARN", "UNKNOWN", "note", *(words.common["report"][state.value] for state in State))
    long = [line for line in prose if text.cells(line) > width and not line.startswith(heads)]
    assert not [line for line in long if len(line.split()) > 1 + line.count("  ")], long


def test_colour_is_only_there_when_wanted() -> None:
    assert "\x1b" not in text.told(judged(ILL), texts("en"), heading="doctor")
    assert "\x1b[1;31mFAIL\x1b[0m" in text.told(judged(ILL), texts("en"), heading="doctor", colour=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_has_a_page(language: str) -> None:
    for check in CHECKS:
        shown = text.page(check, texts(language))
        assert check.id in shown
        assert check.source.split()[0] in shown, check.id


def test_the_page_quotes_nothing_as_markup() -> None:
    nasty = changed(WELL, {"docker__engine": "down", "docker__said": "<script>alert(1)</script>"})
    shown = page.page(judged(nasty), texts("en"), heading="a <b> & c")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "<title>a &lt;b&gt; &amp; c</title>" in shown


def test_the_page_asks_nobody_for_anything() -> None:
    shown = page.page(judged(ILL), texts("en"), heading="doctor")
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", shown)
    assert "default-src 'none'" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_one_cause_left_unanswered_is_told_once(language: str) -> None:
    ill = changed(WELL, {"artifacts__repository": Unknown("the disk has gone")})
    outcomes, words = judged(ill, language), texts(language)
    unanswered = [outcome.id for outcome in outcomes if outcome.message == "the disk has gone"]
    assert len(unanswered) > 10
    plain = text.told(outcomes, words, heading="h", width=400)
    assert plain.count("the disk has gone") == 1
    assert f"  {', '.join(unanswered)}\n      the disk has gone\n" in plain
    assert page.page(outcomes, words, heading="h").count("the disk has gone") == 1


def test_the_brief_report_has_what_stands_in_the_way_and_the_summary_alone() -> None:
    failed, warned = told(State.FAIL), replace(told(State.WARN), id="H002")
    unanswered, open_ = replace(told(State.UNKNOWN, required=True), id="H003"), replace(told(State.UNKNOWN), id="H004")
    words = text.brief([warned, open_, failed, unanswered], texts("en"))
    assert [each for each in ("H001", "H002", "H003", "H004") if each in words] == ["H001", "H003"]
    assert words.splitlines()[-1].startswith("1 fail, 2 unknown, 1 warn")


def test_the_brief_report_of_the_strict_has_all_that_they_take_for_a_failure() -> None:
    warned, open_ = replace(told(State.WARN), id="H002"), replace(told(State.UNKNOWN), id="H004")
    words = text.brief([told(State.NOTE), warned, open_], texts("en"), strict=True)
    assert [each for each in ("H001", "H002", "H004") if each in words] == ["H002", "H004"]
