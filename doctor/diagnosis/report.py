"""A diagnosis as text for the person and as JSON (`diagnosis/1`) for the next program."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from doctor.diagnosis.cause import Diagnosis, exit_code, explain_all
from doctor.diagnosis.course import Line
from doctor.diagnosis.findings import Finding
from doctor.diagnosis.lines import TEXT_SHOWN
from environment.console import result, result_json
from environment.errors import ExitCode, Usage, printable

SCHEMA = "diagnosis/1"
LIVED_WITH = "gone on from"
REPORT_TO = "the issue tracker of this project, with these lines and the few before them"


def refuse_beside(said: Mapping[str, object]) -> None:
    """Raises Usage for options (name -> value) that would change nothing of a log's diagnosis."""
    if said:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in said)
        why = "a log is judged by itself, without a host, and the catalogue of failures is told in English"
        raise Usage(f"{options} beside --log would be ignored", why=why, mend="with --log say --json or nothing")


def tell(paths: Sequence[str], json: bool) -> ExitCode:
    """Prints the diagnoses of the logs (`-` is standard input); the code says what was found."""
    diagnoses = explain_all(paths)
    if json:
        result_json(SCHEMA, as_json(diagnoses))
    else:
        result("\n\n\n".join(map(as_text, diagnoses)))
    return exit_code(diagnoses)


def as_json(diagnoses: Iterable[Diagnosis]) -> dict[str, object]:
    """The body of the `diagnosis/1` document."""
    return {"logs": [_log(diagnosis) for diagnosis in diagnoses]}


def as_text(diagnosis: Diagnosis, width: int = 100) -> str:
    """The whole diagnosis: root cause first, then its consequences, then what was harmless."""
    lines = [f"{diagnosis.path or 'log'}: {_headline(diagnosis)}"]
    for finding in diagnosis.findings:
        lines += ["", *_finding(finding, width)]
    if diagnosis.general:
        lines += ["", *_finding(diagnosis.general, width)]
    if diagnosis.unknown:
        lines += ["", *([f"it broke off while {diagnosis.stage.what}"] if diagnosis.stage else [])]
        lines += [
            "first lines that look like an error:",
            *(f"  {_quoted(line, TEXT_SHOWN)}" for line in diagnosis.unknown),
        ]
        lines += [f"report it to {REPORT_TO}"]
    if diagnosis.lived_with:
        lines += ["", "the log goes on with its work behind these; if something did fail, they may be why:"]
    for finding in diagnosis.lived_with:
        lines += ["", *_finding(finding, width, LIVED_WITH)]
    if diagnosis.harmless:
        lines += ["", "harmless, though it may look otherwise:"]
        lines += [f"  {_quoted(line, 90)}\n{_wrapped(known.why, ' ' * 6, width)}" for known, line in diagnosis.harmless]
    return printable("\n".join(lines))


def short(diagnosis: Diagnosis, width: int = 100) -> str:
    """The cause in a few lines, or what the log says in general terms, for a step that has just failed; else empty."""
    told = diagnosis.told
    role = LIVED_WITH if told in diagnosis.lived_with else ""
    return printable("\n".join(_finding(told, width, role))) if told else ""


def _headline(diagnosis: Diagnosis) -> str:
    if diagnosis.root:
        return diagnosis.root.symptom.title
    if diagnosis.unknown:
        return "something failed that is not known here"
    return "no known failure"


def _finding(finding: Finding, width: int, role: str = "") -> Iterator[str]:
    symptom = finding.symptom
    yield f"{role or _role(finding)}: {symptom.title}  [{', '.join(_called(finding))}]"
    if not finding.primary and symptom.rank in ("secondary", "consequence"):
        yield f"  {_quoted(finding.line)}"
        return
    yield f"  {'seen':<8}  {_quoted(finding.line)}"
    yield from _row("between", " | ".join(finding.between), width)
    yield from _row("cause", finding.cause, width)
    for number, step in enumerate(finding.remedy):
        yield f"  {'' if number else 'remedy':<8}  {step}"  # never wrapped: commands are for pasting
    yield from _row("foretold", "invoke doctor, check " + ", ".join(symptom.checks) if symptom.checks else "", width)
    yield from _row("sources", _some(symptom.sources), width)


def _called(finding: Finding) -> Iterator[str]:
    yield finding.symptom.failure
    if finding.symptom.case_of:
        yield f"case {finding.symptom.id}"
    yield finding.confidence


def _role(finding: Finding) -> str:
    if finding.primary:
        return "root cause"
    if finding.symptom.rank == "general":
        return "in general"
    return "also found" if finding.symptom.rank == "primary" else "consequence"


def _row(name: str, text: str, width: int) -> Iterator[str]:
    if text:
        yield f"  {name:<8}  " + _wrapped(text, " " * 12, width).lstrip()


def _some(sources: tuple[str, ...], shown: int = 3) -> str:
    more = len(sources) - shown
    return ", ".join(sources[:shown]) + (f" and {more} more" if more > 0 else "")


def _wrapped(text: str, indent: str, width: int) -> str:
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _quoted(line: Line, longest: int = 300) -> str:
    text = line.text if len(line.text) <= longest else line.text[:longest] + " ..."
    return f"line {line.number}: {text}"


def _log(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "path": diagnosis.path,
        "findings": [_finding_values(finding) for finding in diagnosis.findings],
        "lived_with": [_finding_values(finding) for finding in diagnosis.lived_with],
        "harmless": [{"id": known.id, **_line_values(line), "why": known.why} for known, line in diagnosis.harmless],
        "unknown": [_line_values(line) for line in diagnosis.unknown],
        "stage": {"id": diagnosis.stage.id, "what": diagnosis.stage.what} if diagnosis.stage else None,
        "general": _finding_values(diagnosis.general) if diagnosis.general else None,
    }


def _finding_values(finding: Finding) -> dict[str, object]:
    symptom = finding.symptom
    return {
        "id": symptom.failure,
        "case": symptom.id if symptom.case_of else None,
        **_line_values(finding.line),
        "title": symptom.title,
        "cause": finding.cause,
        "between": list(finding.between),
        "remedy": "\n".join(finding.remedy),
        "primary": finding.primary,
        "rank": symptom.rank,
        "values": finding.line.values,
        "checks": list(symptom.checks),
        "confidence": finding.confidence,
        "sources": list(symptom.sources),
    }


def _line_values(line: Line) -> dict[str, object]:
    return {"line": line.number, "text": line.text}
