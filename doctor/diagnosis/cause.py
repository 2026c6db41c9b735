"""What a log says went wrong: the root cause first, its consequences after it, and what only looked like a failure."""

from __future__ import annotations

import io
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from doctor.diagnosis.course import Line
from doctor.diagnosis.findings import Finding, ranked
from doctor.diagnosis.first_errors import first_errors, says_nothing
from doctor.diagnosis.refusals import refusal
from doctor.diagnosis.rows import Sightings
from doctor.diagnosis.sightings import Spotter
from doctor.diagnosis.stages import stage_of
from doctor.diagnosis.symptoms import Catalogue, Harmless, Stage, catalogue
from environment.console import typed
from environment.errors import ExitCode, Usage

COMPRESSED = {
    b"\x1f\x8b": "zcat",
    b"\xfd7zXZ": "xzcat",
    b"BZh": "bzcat",
    b"\x28\xb5\x2f\xfd": "zstdcat",
    b"PK\x03\x04": "unzip -p",  # as GitHub hands out the logs of a job
}
STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What one log says. `unknown` are its first error lines when no cause is known, `general` is what they say then.

    `general` names no cause: it tells in general terms what the program refused, so the exit code stays 3. `stage` is
    the step that broke off, where the log shows one. `lived_with` are faults from which the program went on with its
    work: they change no exit code.
    """

    path: str
    findings: tuple[Finding, ...]
    harmless: tuple[tuple[Harmless, Line], ...]
    unknown: tuple[Line, ...]
    general: Finding | None = None
    stage: Stage | None = None
    lived_with: tuple[Finding, ...] = ()

    @property
    def root(self) -> Finding | None:
        """The finding that names the root cause; None where none does."""
        return next((finding for finding in self.findings if finding.primary), None)

    @property
    def told(self) -> Finding | None:
        """What explains best why a step failed: the root cause, or the log in general terms, or what it lived with."""
        return self.root or self.general or next(iter(self.lived_with), None)

    @property
    def exit_code(self) -> ExitCode:
        """1 when a fault is named, 3 when the log shows one that is not known, else 0."""
        if self.root:
            return ExitCode.FAILURE
        return ExitCode.UNKNOWN if self.unknown else ExitCode.OK


def explain(log: str | Path, known: Catalogue | None = None) -> Diagnosis:
    """The diagnosis of a log file (a Path) or of a text; raises Usage when the file cannot be read."""
    if isinstance(log, str):
        return diagnosed("", io.BytesIO(log.encode("utf-8", "surrogateescape")), known)
    with _readable(log), log.open("rb") as stream:
        _refuse_compressed(stream.peek(8), str(log))
        return diagnosed(typed(str(log)), stream, known)


def explain_all(paths: Sequence[str]) -> tuple[Diagnosis, ...]:
    """One diagnosis for each file; `-` is standard input. Raises Usage for what is no log, before any is read."""
    for path in paths:
        _refuse_unreadable(path)
    if paths.count(STDIN) > 1:
        raise Usage("standard input can be read once only", mend="say --log - once")
    return tuple(_piped() if path == STDIN else explain(Path(path)) for path in paths)


def _piped() -> Diagnosis:
    with _readable(STDIN):
        return diagnosed(STDIN, sys.stdin.buffer)


def _refuse_unreadable(path: str) -> None:
    """Raises Usage for a name that is none, for a file that is not there, and for one that is no text.

    A pipe by name, such as `<(kubectl logs ...)`, can be opened once only, and is looked at when it is read.
    """
    if not path:
        raise Usage("--log names no file", mend="--log FILE, or --log - for standard input")
    with _readable(path):
        if path == STDIN:
            stream = sys.stdin.buffer
            _refuse_compressed(stream.peek(8) if isinstance(stream, io.BufferedReader) else b"", path)
        elif stat.S_IFMT(Path(path).stat().st_mode) in (stat.S_IFREG, stat.S_IFDIR):
            with Path(path).open("rb") as stream:
                _refuse_compressed(stream.peek(8), path)


@contextmanager
def _readable(log: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot read the log: {error.strerror or error}"
        raise Usage(what, where=typed(str(log)), mend="give the path of a log file") from error


def _refuse_compressed(head: bytes, log: str) -> None:
    """A compressed log would pass for one without a failure."""
    tool = next((tool for magic, tool in COMPRESSED.items() if head.startswith(magic)), "")
    if tool:
        name, file = ("standard input", "FILE") if log == STDIN else (typed(Path(log).name), shlex.quote(typed(log)))
        raise Usage(f"{name} is compressed", where=typed(log), mend=f"{tool} {file} | ./inv doctor --log -")


def exit_code(diagnoses: Iterable[Diagnosis]) -> ExitCode:
    """One exit code for several logs: a named fault goes before an unknown one, an unknown one before none."""
    codes = {diagnosis.exit_code for diagnosis in diagnoses}
    return next((code for code in (ExitCode.FAILURE, ExitCode.UNKNOWN) if code in codes), ExitCode.OK)


def diagnosed(path: str, stream: BinaryIO, known: Catalogue | None = None) -> Diagnosis:
    """Reads the stream once, in constant memory, and says what it shows."""
    known = known or catalogue()
    seen = Spotter(known).read(stream)
    failures = [failure.line for failure in seen.failures]
    findings = _rooted(known, ranked(known, seen.symptoms), failures)
    lived_with = tuple(replace(finding, primary=False) for finding in ranked(known, seen.lived_with))
    if any(finding.primary for finding in findings):
        return Diagnosis(path=path, findings=findings, harmless=seen.harmless, unknown=(), lived_with=lived_with)
    shown = first_errors(known, failures)
    return Diagnosis(
        path=path,
        findings=findings,
        harmless=seen.harmless,
        unknown=shown,
        lived_with=lived_with,
        stage=_stage(known, seen, shown),
        general=_general(known, _unexplained(findings, failures)),
    )


def _rooted(known: Catalogue, findings: tuple[Finding, ...], failures: list[Line]) -> tuple[Finding, ...]:
    """With a root: a consequence is the best that can be told of a log which shows nothing else, as a cut one does."""
    if not findings or findings[0].primary:
        return findings
    if not all(says_nothing(known, line.text) for line in _unexplained(findings, failures)):
        return findings
    return replace(findings[0], primary=True), *findings[1:]


def _unexplained(findings: tuple[Finding, ...], failures: list[Line]) -> Iterator[Line]:
    """The failed lines that no finding explains."""
    explained = {finding.line.number for finding in findings}
    return (line for line in failures if line.number not in explained)


def _stage(known: Catalogue, seen: Sightings, shown: tuple[Line, ...]) -> Stage | None:
    """The step that broke off: of the first shown line of which the log says a step."""
    above = {failure.line.number: failure.above for failure in seen.failures}
    return next(filter(None, (stage_of(known, above[line.number]) for line in shown)), None)


def _general(known: Catalogue, failures: Iterable[Line]) -> Finding | None:
    """What the first telling line of a failure that no row knows says of itself."""
    found = refusal(known, failures)
    return found and Finding(symptom=found[0], line=found[1], confidence=found[0].confidence, primary=False)
