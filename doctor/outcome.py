"""What a check says. A `Finding` is the bare judgement, an `Outcome` is the finding in a person's language. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

from environment.data import Value
from environment.unknown import Unknown

T = TypeVar("T")
Facts = TypeVar("Facts")
NOTHING: Mapping[str, object] = MappingProxyType({})


class State(str, Enum):
    """pass, note (nothing to do), warn (works now, will hurt), fail (will not work, or is unsafe), skip, unknown."""

    PASS = "pass"  # noqa: S105
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


class Finding(Value, frozen=True, kw_only=True):
    """A judgement before it is put into words: `says` names the check's message, `data` holds both values."""

    state: State
    says: str
    data: Mapping[str, object] = NOTHING


class Check(Value, Generic[Facts], frozen=True, kw_only=True):
    """One question with a stable id (`G003`) and slug; its words are in `checks/texts/`.

    `worst` is the worst it can say: a check that can fail is required, so not knowing it ends with exit code 3.
    `source` is where the rule comes from, `reads` where its facts are read.
    """

    id: str
    slug: str
    worst: State
    source: str
    reads: str
    judge: Callable[[Facts], Finding]


class Outcome(Value, frozen=True, kw_only=True):
    """One check's answer. `message` holds both values; `data` the same for machines; `evidence` where it was read."""

    id: str
    slug: str
    title: str
    state: State
    message: str
    fix: str = ""
    data: Mapping[str, object] = NOTHING
    evidence: str = ""
    required: bool = False
    crashed: bool = False


class NotKnown(Exception):
    """A fact a check needs is not known: the check's outcome is `unknown`."""


class NotAsked(Exception):
    """What a check judges is not there to be judged: its outcome is `skip`. The argument names a shared text."""


def known(fact: T | Unknown) -> T:
    """The fact itself; raises NotKnown with the reason for one that could not be had."""
    if isinstance(fact, Unknown):
        raise NotKnown(fact.reason)
    return fact


def given(thing: T | None, otherwise: str) -> T:
    """The thing itself; raises NotAsked with the name of the reason when there is none."""
    if thing is None:
        raise NotAsked(otherwise)
    return thing


def passed(says: str = "pass", /, **data: object) -> Finding:
    """All is well, with the values that show it."""
    return Finding(state=State.PASS, says=says, data=data)


def noted(says: str = "note", /, **data: object) -> Finding:
    """Worth knowing; nothing to do."""
    return Finding(state=State.NOTE, says=says, data=data)


def warned(says: str = "warn", /, **data: object) -> Finding:
    """Works now, will hurt."""
    return Finding(state=State.WARN, says=says, data=data)


def failed(says: str = "fail", /, **data: object) -> Finding:
    """What was asked will not work, or is unsafe."""
    return Finding(state=State.FAIL, says=says, data=data)
