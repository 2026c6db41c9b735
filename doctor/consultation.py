"""What `invoke doctor` does: take readings, judge, tell. The acting side; the task only parses."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from doctor import bundle, page, redaction, report, text
from doctor.checks.registry import CHECKS
from doctor.checks.texts import LANGUAGES, filled, texts
from doctor.facts.artifacts import Artifacts
from doctor.outcome import Check, Outcome
from doctor.probes import artifacts
from doctor.subject import Subject
from doctor.visit import Visit, judged, subject, taken
from environment.console import result, result_json, say
from environment.errors import ExitCode, Trouble, unknown_name
from environment.releases import Release


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How the report is told, and which files are written beside it."""

    language: str = "en"
    json: bool = False
    html: str = ""
    save: str = ""
    strict: bool = False

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise unknown_name("language", self.language, LANGUAGES)


def hold(visit: Visit, telling: Telling, saved: str = "") -> ExitCode:
    """Judges this host, or the one in the bundle `saved`, and tells; the exit code says how it ended."""
    readings = bundle.load(Path(saved)) if saved else taken(visit, telling.language)
    if telling.save:
        bundle.save(redaction.without_names(readings, _names()), Path(telling.save))
        say(f"readings saved in {telling.save}, without secrets and names: look through it before you send it")
    found = Artifacts() if saved else artifacts.read(visit.release, visit.named)
    outcomes = judged(subject(readings, visit.release, visit.asked, found), telling.language)
    _tell(outcomes, visit.release, telling, saved)
    return report.exit_code(outcomes, strict=telling.strict)


def _tell(outcomes: Sequence[Outcome], release: Release, telling: Telling, saved: str) -> None:
    words = texts(telling.language)
    shared = words.common["report"]
    place = Path(saved).name if saved else shared["here"]
    heading = filled(shared["heading"], {"tag": release.tag, "place": place})
    if telling.html:
        _write(Path(telling.html), page.page(outcomes, words, heading=heading))
    if telling.json:
        about = {"tag": release.tag, "source": "bundle" if saved else "host"}
        result_json(report.SCHEMA, report.document(outcomes, about))
    else:
        result(text.told(outcomes, words, heading=heading, width=_width(), colour=_colour()))


def explained(name: str, language: str) -> ExitCode:
    """Prints the page of one check."""
    telling = Telling(language=language)
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
        raise Trouble(f"cannot write {file}: {error.strerror}") from error
    say(f"page written to {file}")


def _names() -> tuple[str, ...]:
    """What this host and whoever runs this are called."""
    host = {socket.gethostname(), platform.node(), socket.getfqdn().partition(".")[0]}
    return tuple(name for name in {*host, _user()} if name not in {"", "root", "localhost"})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 110)


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
