"""How far the answers of a server agree with those of its checkpoint. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from environment.data import Record, read_toml

QUESTIONS = Path(__file__).parent / "questions.toml"
BROKEN = "\N{REPLACEMENT CHARACTER}"  # an answer that was cut inside a character may end with it


class Least(Record, frozen=True, kw_only=True):
    """The smallest ratio that passes, and why it is that one."""

    ratio: float
    reason: str


class Questions(Record, frozen=True, kw_only=True):
    """The file `questions.toml`: `least` has a row for a `rehearsal` and one for an `engine`."""

    source: str
    max_tokens: int
    asked: tuple[str, ...]
    least: dict[str, Least]


class Reference(Record, frozen=True, kw_only=True):
    """What a checkpoint itself answers: question -> greedy answer. `source` says who computed it, and with what."""

    checkpoint: str
    source: str
    answers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One question with the checkpoint's answer and the server's."""

    question: str
    expected: str
    answered: str

    @property
    def share(self) -> float:
        """The common beginning as a share of the longer answer, from 0 to 1."""
        one, other = bare(self.expected), bare(self.answered)
        longer = max(len(one), len(other))
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
        return common / longer if longer else 1.0


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """All questions, and the least ratio that passes."""

    pairs: tuple[Pair, ...]
    least: Least
    source: str

    @property
    def ratio(self) -> float:
        """The mean share, from 0 to 1."""
        return sum(pair.share for pair in self.pairs) / len(self.pairs)

    @property
    def met(self) -> bool:
        """Whether the answers agree far enough."""
        return self.ratio >= self.least.ratio

    def __str__(self) -> str:
        return f"{self.ratio:.0%} agreement with the checkpoint's own answers, at least {self.least.ratio:.0%} is right"


def questions() -> Questions:
    """The questions that every server is asked."""
    return read_toml(QUESTIONS, Questions)


def compare(reference: Reference, answered: Mapping[str, str], least: Least) -> Agreement:
    """The server's answers beside the checkpoint's; `answered` has every question of the reference."""
    pairs = (
        Pair(question=question, expected=expected, answered=answered[question])
        for question, expected in reference.answers.items()
    )
    return Agreement(pairs=tuple(pairs), least=least, source=reference.source)


def bare(answer: str) -> str:
    """The answer without white space around it, and without the character it was cut in."""
    return answer.strip().rstrip(BROKEN).rstrip()
