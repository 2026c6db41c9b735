"""What a check says: an `Outcome`, and the `Check` that said it. Pure; `report` makes text, JSON and HTML of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

Facts = TypeVar("Facts")


class State(str, Enum):
    """pass, note (nothing to do), warn (works now, will hurt), fail (will not work, or is unsafe), skip, unknown."""

    PASS = "pass"  # noqa: S105
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One check's answer. `message` holds both values; `data` the same for machines; `evidence` where it was read."""

    state: State
    message: str
    fix: str = ""
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Check(Generic[Facts]):
    """A stable id (`G003`), a slug (`driver-for-image`), a title, its source, and the function that judges."""

    id: str
    slug: str
    title: str
    source: str
    judge: Callable[[Facts], Outcome]
