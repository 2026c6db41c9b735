"""Puts every check's question to the subject. A check that breaks is an outcome too; the others go on."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.checks.texts import Texts, filled
from doctor.outcome import Check, Facts, Finding, NotAsked, NotKnown, Outcome, State


def examine(checks: Iterable[Check[Facts]], subject: Facts, texts: Texts) -> tuple[Outcome, ...]:
    """One outcome for each check, in their order, in the language of `texts`."""
    return tuple(outcome(check, subject, texts) for check in checks)


def outcome(check: Check[Facts], subject: Facts, texts: Texts) -> Outcome:
    """What one check says of the subject."""
    try:
        return told(check, check.judge(subject), texts)
    except NotKnown as gap:
        return _without_answer(check, texts, State.UNKNOWN, str(gap))
    except NotAsked as reason:
        return _without_answer(check, texts, State.SKIP, texts.shared(str(reason)))
    except Exception as error:
        return _without_answer(check, texts, State.UNKNOWN, f"{type(error).__name__}: {error}", crashed=True)


def told(check: Check[Facts], finding: Finding, texts: Texts) -> Outcome:
    """A finding in words. A missing word is our bug, and raises KeyError."""
    words = texts.of(check.id)
    good = finding.state in (State.PASS, State.NOTE)
    return Outcome(
        id=check.id,
        slug=check.slug,
        title=words["title"],
        state=finding.state,
        message=filled(words[finding.says], finding.data),
        fix="" if good else filled(words.get(f"fix-{finding.says.partition('-')[2]}", words["fix"]), finding.data),
        data=finding.data,
        evidence=check.reads,
        required=check.worst is State.FAIL,
    )


def _without_answer(check: Check[Facts], texts: Texts, state: State, reason: str, *, crashed: bool = False) -> Outcome:
    """Skipped, not known, or our own bug: the reason is the message."""
    return Outcome(
        id=check.id,
        slug=check.slug,
        title=texts.of(check.id)["title"],
        state=state,
        message=reason,
        data={"reason": reason},
        evidence=check.reads,
        required=check.worst is State.FAIL,
        crashed=crashed,
    )
