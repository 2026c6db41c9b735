"""What `invoke doctor` does: visit, judge, tell. The acting side of the doctor; the task only parses and ends."""

from __future__ import annotations

import os
import shutil
import sys

from doctor import report, text
from doctor.checks.registry import CHECKS
from doctor.checks.texts import LANGUAGES, filled, texts
from doctor.outcome import Check
from doctor.subject import Asked, Subject
from doctor.visit import host_readings, judged, subject
from environment.console import result, result_json
from environment.errors import ExitCode, unknown_name
from environment.releases import DEFAULT_TAG, find


def hold(tag: str, language: str, as_json: bool, strict: bool) -> ExitCode:
    """Judges this host and prints the report; the exit code says how it ended."""
    release, words, asked = find(tag or DEFAULT_TAG), _language(language), Asked()
    outcomes = judged(subject(host_readings(asked, words), release, asked), words)
    if as_json:
        result_json(report.SCHEMA, report.document(outcomes, {"tag": release.tag}))
    else:
        shared = texts(words).common["report"]
        heading = filled(shared["heading"], {"tag": release.tag, "place": shared["here"]})
        result(text.told(outcomes, texts(words), heading=heading, width=_width(), colour=_colour()))
    return report.exit_code(outcomes, strict=strict)


def explain(name: str, language: str) -> ExitCode:
    """Prints the page of one check."""
    check = _check(name)
    result(text.page(check, texts(_language(language))))
    return ExitCode.OK


def _check(name: str) -> Check[Subject]:
    by_name = {check.id: check for check in CHECKS} | {check.slug: check for check in CHECKS}
    if name.upper() in by_name or name in by_name:
        return by_name.get(name.upper()) or by_name[name]
    raise unknown_name("check", name, by_name, mend="invoke doctor --json lists the checks")


def _language(name: str) -> str:
    if name not in LANGUAGES:
        raise unknown_name("language", name, LANGUAGES)
    return name


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 110)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
