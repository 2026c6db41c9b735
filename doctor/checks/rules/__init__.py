"""Where each check's rule comes from, as data: `G.toml` holds slug, worst state, source and reading of family G."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from doctor.outcome import Check, Finding, State
from doctor.subject import Subject
from environment.data import Record, read_toml

FOLDER = Path(__file__).parent
Text = Annotated[str, Meta(min_length=3)]


class Rule(Record, frozen=True, kw_only=True):
    """`worst` is the worst the check can say, `source` where its rule comes from, `reads` where its facts are read."""

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$")]
    worst: State
    source: Text
    reads: Text


def family(letter: str, judges: Mapping[str, Callable[[Subject], Finding]]) -> list[Check[Subject]]:
    """The checks of a family: each function with its rule; raises KeyError for a function without one."""
    rules = read_toml(FOLDER / f"{letter}.toml", dict[str, Rule])
    return [_check(name, rules[name], judge) for name, judge in judges.items()]


def _check(name: str, rule: Rule, judge: Callable[[Subject], Finding]) -> Check[Subject]:
    return Check(id=name, slug=rule.slug, worst=rule.worst, source=rule.source, reads=rule.reads, judge=judge)
