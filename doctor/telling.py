"""Tells the outcomes: on the terminal, as data, as a page. The acting side of the report."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from doctor import report, text
from doctor.checks.registry import CHECKS
from doctor.checks.texts import filled, texts
from doctor.options import Telling
from doctor.outcome import Check, Outcome
from doctor.subject import Subject
from environment.console import result, result_json, say
from environment.errors import ExitCode, unknown_name, unusable
from environment.releases import Release


def tell(outcomes: Sequence[Outcome], release: Release, telling: Telling, saved: str) -> ExitCode:
    """Prints the report, writes the page when one was asked for; the exit code says how it ended."""
    words = texts(telling.language)
    shared = words.common["report"]
    place = Path(saved).name if saved else shared["here"]
    heading = filled(shared["heading"], {"tag": release.tag, "place": place})
    if telling.html:
        from doctor import page

        _write(Path(telling.html), page.page(outcomes, words, heading=heading))
    if telling.json:
        about = {"tag": release.tag, "source": "bundle" if saved else "host"}
        result_json(report.SCHEMA, report.document(outcomes, about))
    elif telling.quiet:
        result(text.brief(outcomes, words, strict=telling.strict, width=_width(), colour=_colour()))
    else:
        result(text.told(outcomes, words, heading=heading, width=_width(), colour=_colour()))
    return report.exit_code(outcomes, strict=telling.strict)


def explain(name: str, telling: Telling) -> ExitCode:
    """Prints the page of one check."""
    result(text.page(_check(name), texts(telling.language)))
    return ExitCode.OK


def _check(name: str) -> Check[Subject]:
    by_name = {check.id: check for check in CHECKS} | {check.slug: check for check in CHECKS}
    if name.upper() in by_name or name in by_name:
        return by_name.get(name.upper()) or by_name[name]
    raise unknown_name("check", name, by_name, mend="invoke doctor --json lists the checks")


def _write(file: Path, words: str) -> None:
    try:
        file.write_text(words, encoding="utf-8")
    except OSError as error:
        raise unusable(error, file, "write") from error
    say(f"page written to {file}")


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 110)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
