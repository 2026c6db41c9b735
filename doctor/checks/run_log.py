"""S: what the log of the last server says, by the same symptoms as `--log`."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.outcome import Finding, given, known, passed, warned
from doctor.subject import Subject


def log_class(subject: Subject) -> Finding:
    """The last server's log names no known failure: the cause before its consequences."""
    log = given(known(subject.run_log), "no-run")
    if not log.text:
        return passed(name=log.name)
    from doctor.diagnosis.cause import explain

    cause = explain(log.text).root
    if cause is None:
        return passed(name=log.name)
    return warned(
        name=log.name,
        symptom=cause.symptom.failure,
        cause=cause.cause,
        line=cause.line.text,
        remedy=next(iter(cause.remedy), ""),
    )


CHECKS = family("S", {"S010": log_class})
