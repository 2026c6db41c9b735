"""The known failures, as data: `doctor/symptoms/SUBJECT.toml`, one row each, with its source (docs/diagnosis.md)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from environment.data import Record, read_toml

FOLDER = Path(__file__).parents[1] / "symptoms"
PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z_]+)\}")  # not `${name}`, which is shell
_NAMED = re.compile(r"\(\?P<(\w+)>")

Rank = Literal["primary", "secondary", "consequence", "general"]
Confidence = Literal["verified", "reported", "inferred"]


class Symptom(Record, frozen=True, kw_only=True):
    """One failure: how it shows in a log, why it happens, what mends it, and who says so.

    `literals` are fragments as they stand in a log, `patterns` regular expressions whose named groups fill the
    `{name}`s of cause, details, between and remedy; `unverified` are patterns nobody has shown in a log yet.
    `details` are told behind the cause where a log shows all their values. `rank`: a `primary` names a cause, a
    `secondary` is an umbrella that yields to any primary, a `consequence` explains nothing else, a `general` one
    repeats in general terms what a failure that no other row knows says (`doctor/diagnosis/refusals.py`). `case_of`
    is the id of the failure that this row tells more of: that one is named in its place, this one as its case.
    `hint`: the line is a warning, and explains less than any other row. A hint, an umbrella and what says
    `survives` are things that a program can live with: they count only until a good end. What `stays` counts even
    where the program goes on with its work, as it does with a wrong answer or a lost GPU.
    """

    id: str
    title: str
    rank: Rank = "primary"
    match: Literal["any", "all"] = "any"
    hint: bool = False
    survives: bool = False
    stays: bool = False
    case_of: str = ""
    more_specific_than: tuple[str, ...] = ()
    look_first_for: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    cause: str
    details: tuple[str, ...] = ()
    remedy: tuple[str, ...]
    affects: str = ""
    checks: tuple[str, ...] = ()
    confidence: Confidence
    sources: tuple[str, ...]

    @property
    def failure(self) -> str:
        """The id that a log's cause is called by: its own, or that of the failure which this is a case of."""
        return self.case_of or self.id

    @property
    def replaces(self) -> frozenset[str]:
        """The ids of the rows that say nothing beside this one."""
        return frozenset({*self.more_specific_than, self.case_of} - {""})

    @property
    def survivable(self) -> bool:
        """Whether a program may meet this and still do its work."""
        return self.hint or self.survives or self.rank == "secondary"

    @property
    def captured(self) -> tuple[str, ...]:
        """The names of the values its patterns capture."""
        return tuple(dict.fromkeys(_NAMED.findall("\n".join(self.patterns + self.unverified))))


class Harmless(Record, frozen=True, kw_only=True):
    """Lines that look like failures and are none; `why` says what they mean."""

    id: str
    literals: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    why: str


class Runner(Record, frozen=True, kw_only=True):
    """A program that runs tests: how such a run begins, and how it ends when all went as expected and when not."""

    name: str
    begins: tuple[str, ...] = ()
    passes: tuple[str, ...]
    fails: tuple[str, ...] = ()


class Status(Record, frozen=True, kw_only=True):
    """A report of how a thing stands now and of what was before: what shows it well, what ill, which lines are past."""

    name: str
    begins: tuple[str, ...]
    well: tuple[str, ...]
    ill: tuple[str, ...]
    past: tuple[str, ...]


class Thing(Record, frozen=True, kw_only=True):
    """Something that a log names (the group `thing`) in line after line: which lines show it ill, which well again."""

    name: str
    ails: tuple[str, ...]
    recovers: tuple[str, ...]


class Marks(Record, frozen=True):
    """What a log shows whatever it is of: how runs end well and badly, and what is said on the way (`marks.toml`)."""

    failure: tuple[str, ...] = ()
    complaint: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    ending: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()
    speech: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    success: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    runner: tuple[Runner, ...] = ()
    status: tuple[Status, ...] = ()
    thing: tuple[Thing, ...] = ()


class Stage(Record, frozen=True, kw_only=True):
    """A step of the work and how a log shows that it was under way; `what` goes behind "it broke off while ..."."""

    id: str
    what: str
    patterns: tuple[str, ...]
    sources: tuple[str, ...]


class Catalogue(Record, frozen=True):
    """Everything a diagnosis knows."""

    symptoms: tuple[Symptom, ...]
    harmless: tuple[Harmless, ...]
    marks: Marks
    stages: tuple[Stage, ...] = ()


class _Rows(Record, frozen=True):
    symptom: tuple[Symptom, ...] = ()
    harmless: tuple[Harmless, ...] = ()
    marks: Marks | None = None
    stage: tuple[Stage, ...] = ()


@cache
def catalogue(folder: Path = FOLDER) -> Catalogue:
    """All rows of the folder; raises Trouble naming the file and the field that is off."""
    files = [read_toml(path, _Rows) for path in sorted(folder.glob("*.toml"))]
    marks = [rows.marks for rows in files if rows.marks]
    return Catalogue(
        symptoms=tuple(symptom for rows in files for symptom in rows.symptom),
        harmless=tuple(harmless for rows in files for harmless in rows.harmless),
        marks=marks[0] if marks else Marks(),
        stages=tuple(stage for rows in files for stage in rows.stage),
    )
