"""The logs under `logs/`, each with its source and the right answer."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from doctor.diagnosis.cause import Diagnosis
from environment.data import Record, read_toml

LOGS = Path(__file__).parent / "logs"
PARTS = ("development", "held_back", "healthy")


class Recorded(Record, frozen=True, kw_only=True):
    """One log: where it comes from, and the id of its root cause (empty: nothing failed, or no row knows it).

    `also`: ids that are as right, where a log can be read in more than one way. What stands in a folder `written-N` was
    written for the project by somebody who saw no pattern; its source says whose words they are.
    `first_run` of a log that is or was held back says how it was diagnosed when it was first looked at: right, missed,
    or unknown (no row knew its cause then, and none was named); a healthy one was silent, or an alarm. Healthy logs
    that are held back stand in `held_back/healthy/`.
    """

    file: str
    answer: str
    source: str
    also: tuple[str, ...] = ()
    how: str = ""
    first_run: str = ""

    @property
    def path(self) -> Path:
        return LOGS / self.file

    @property
    def written(self) -> bool:
        return "/written-" in self.file

    @property
    def healthy(self) -> bool:
        return self.file.startswith(("healthy/", "held_back/healthy/"))

    def answered_by(self, names: Collection[str]) -> bool:
        """Whether one of the names is a right answer; where there is none, whether none was named."""
        return not {self.answer, *self.also}.isdisjoint(names) if self.answer else not names


class Wording(Record, frozen=True, kw_only=True):
    """Messages of one root cause as programs word them; each line alone must be diagnosed as `answer`."""

    answer: str
    source: str
    lines: tuple[str, ...]


class Round(Record, frozen=True, kw_only=True):
    """What the first run over a round of unseen logs gave that are not kept here; the counts are said in the file.

    It is `spent` as soon as anything is changed because of its logs.
    """

    name: str
    commit: str
    causes: int
    named: int
    right: int
    healthy: int
    alarms: int
    spent: bool = True


class _Answers(Record, frozen=True):
    log: tuple[Recorded, ...]


class _Rounds(Record, frozen=True):
    round: tuple[Round, ...]


class _Wordings(Record, frozen=True):
    wording: tuple[Wording, ...]


def corpus(part: str) -> tuple[Recorded, ...]:
    """The logs of one of the `PARTS`."""
    return tuple(log for log in read_toml(LOGS / "answers.toml", _Answers).log if log.file.startswith(f"{part}/"))


def names(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What the primary cause is called: the failure's id and, of a case of it, its own; nothing where none is named."""
    root = diagnosis.root
    return (root.symptom.failure, root.symptom.id) if root else ()


def wordings() -> tuple[Wording, ...]:
    """The messages in `wordings.toml`."""
    return read_toml(LOGS / "wordings.toml", _Wordings).wording


def rounds() -> tuple[Round, ...]:
    """The rounds in `rounds.toml`, in the order of time."""
    return read_toml(LOGS / "rounds.toml", _Rounds).round
