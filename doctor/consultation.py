"""What `invoke doctor` does: take readings, judge, tell. What only judging and telling need is imported in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from doctor.facts.readings import Readings
from doctor.options import Telling
from doctor.outcome import Outcome
from doctor.visit import Visit, named, taken
from environment.errors import ExitCode, Usage

NAME = "[name]"  # what a saved reading has in place of a host's or a person's


def hold(visit: Visit, telling: Telling, saved: str = "") -> ExitCode:
    """Judges this host, or the one in the bundle `saved`, and tells; the exit code says how it ended."""
    if saved and telling.fix:
        raise Usage("--fix mends this host, --bundle is another one", mend="leave one of them out")
    readings = _loaded(Path(saved), visit) if saved else taken(visit, telling.language)
    from doctor.judgement import judged, subject
    from doctor.telling import tell

    if telling.save:
        _save(readings, Path(telling.save))
    outcomes: Sequence[Outcome] = judged(subject(readings, visit.release, visit.asked), telling.language)
    if telling.fix:
        outcomes = _repaired(outcomes, visit, telling.language)
    return tell(outcomes, visit.release, telling, saved)


def _repaired(outcomes: Sequence[Outcome], visit: Visit, language: str) -> Sequence[Outcome]:
    from doctor.judgement import judged, subject
    from doctor.repair import repair

    def again() -> Sequence[Outcome]:
        return judged(subject(taken(visit, language), visit.release, visit.asked), language)

    return repair(outcomes, visit, again)


def explained(name: str, language: str) -> ExitCode:
    """Prints the page of one check."""
    from doctor.telling import explain

    return explain(name, Telling(language=language))


def _loaded(file: Path, visit: Visit) -> Readings:
    """The readings of the bundle; a folder that is named here is read here, and judged against that host.

    Raises Usage for an image, a checkout or a hub that only the other host could look at, and did not.
    """
    from doctor import bundle

    readings = bundle.load(file)
    only_there = (
        ("--image", visit.image, "image/reference"),
        ("--source", visit.named.source, "source/head"),
        ("--online", "the hub" if visit.named.online else "", "hub"),
    )
    for option, what, name in only_there:
        if what and name not in readings:
            raise Usage(f"{file} holds no readings of {what}", mend=f"save them there: {option} with --save")
    if visit.image and visit.image != (held := readings["image/reference"].text) and NAME not in held:
        raise Usage(f"{file} holds readings of another image than {visit.image}: {held}", mend=f"--image {held}")
    return {**readings, **named(visit)}


def _save(readings: Readings, file: Path) -> None:
    from doctor import bundle, redaction
    from environment.console import say

    bundle.save(redaction.without_names(readings, _names()), file)
    say(f"readings saved in {file}, without secrets and names: look through it before you send it")


def _names() -> tuple[str, ...]:
    """What this host and whoever runs this are called."""
    import platform
    import socket

    host = {socket.gethostname(), platform.node(), socket.getfqdn().partition(".")[0]}
    return tuple(name for name in {*host, _user()} if name not in {"", "root", "localhost"})


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
