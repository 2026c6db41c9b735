"""The logs under `logs/`, each with its source and the right answer."""

from __future__ import annotations

from pathlib import Path

from environment.data import Record, read_toml

LOGS = Path(__file__).parent / "logs"


class Recorded(Record, frozen=True, kw_only=True):
    """One log: where it comes from, and the id of its root cause (empty: nothing failed, or no row knows it).

    `first_run` is right or missed: whether a held-back log was diagnosed rightly when it was first looked at.
    """

    file: str
    answer: str
    source: str
    how: str = ""
    first_run: str = ""

    @property
    def path(self) -> Path:
        return LOGS / self.file


class _Answers(Record, frozen=True):
    log: tuple[Recorded, ...]


def corpus(part: str) -> tuple[Recorded, ...]:
    """The logs of one part: development, held_back or healthy."""
    return tuple(log for log in read_toml(LOGS / "answers.toml", _Answers).log if log.file.startswith(f"{part}/"))
