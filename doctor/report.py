"""Outcomes for people and for programs: text, JSON, and the exit code. Pure; `page` makes HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from doctor.outcome import Outcome, State
from environment.errors import ExitCode

WORST_FIRST = (State.FAIL, State.UNKNOWN, State.WARN, State.NOTE, State.PASS, State.SKIP)
SCHEMA = "doctor/1"


def exit_code(outcomes: Iterable[Outcome], *, strict: bool = False) -> ExitCode:
    """4 our bug, 1 a failure, 3 a required check that could not be answered, else 0; strict counts warnings as failures
    and every unanswered check as required."""
    decisive = [outcome for outcome in outcomes if in_the_way(outcome, strict=strict)]
    if any(outcome.crashed for outcome in decisive):
        return ExitCode.BUG
    if any(outcome.state is not State.UNKNOWN for outcome in decisive):
        return ExitCode.FAILURE
    return ExitCode.UNKNOWN if decisive else ExitCode.OK


def in_the_way(outcome: Outcome, *, strict: bool = False) -> bool:
    """Whether this outcome alone makes the exit code another than 0."""
    unanswered = outcome.state is State.UNKNOWN and (strict or outcome.required)
    return outcome.crashed or unanswered or outcome.state is State.FAIL or (strict and outcome.state is State.WARN)


def summary(outcomes: Iterable[Outcome]) -> Mapping[str, int]:
    """How many outcomes of each state."""
    counts = Counter(outcome.state for outcome in outcomes)
    return {state.value: counts[state] for state in WORST_FIRST}


def document(outcomes: Sequence[Outcome], about: Mapping[str, object]) -> dict[str, object]:
    """The report for programs (`doctor.schema.json`), without its `schema` field."""
    return {"summary": summary(outcomes), **about, "outcomes": [_row(outcome) for outcome in outcomes]}


def _row(outcome: Outcome) -> dict[str, object]:
    row: dict[str, object] = {
        "id": outcome.id,
        "slug": outcome.slug,
        "title": outcome.title,
        "state": outcome.state.value,
        "message": outcome.message,
        "data": dict(outcome.data),
        "fix": outcome.fix,
        "evidence": outcome.evidence,
    }
    return {**row, "crashed": True} if outcome.crashed else row


def causes(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """What is told as one: the checks that could not be answered for one reason; every other outcome by itself."""
    told: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        which = "" if outcome.state is State.UNKNOWN else outcome.id
        told.setdefault((which, outcome.message), []).append(outcome)
    return list(told.values())


def worst_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Failures first, then what is not known, warnings, notes; within a state in the order of the ids."""
    return sorted(outcomes, key=lambda outcome: (WORST_FIRST.index(outcome.state), outcome.id))
