"""The course of a run: what went wrong on the way, and what its last word was.

A log is of a healthy run when its last word is good: something came up or was done, or all tests passed, and no
complaint stands after it. A good end takes complaints back, those of the same writer where several write into one
log; a verdict on the whole, such as the failure of a build, stays. A closing word ("done", "exit code 0", "stopped
gracefully") ends any step, of a cleanup or a `finally` as well: it takes back only what was met, as the log says. A
run of tests that passes vouches for all that it printed since it began. Of a command that was given once more, only
the last run counts (`session.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from doctor.diagnosis.going_on import ENOUGH, Work

KEPT = 50  # failures between two good ends; with more than that, the rest would change nothing


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the log: its number, its clean text (cut around the match when it is very long), captured values."""

    number: int
    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that went wrong; `final`: nothing takes it back, `met`: the log says how it went on.

    `above`: the log from a little before the line to its end.
    """

    line: Line
    writer: bytes = b""
    final: bool = False
    met: bool = False
    above: bytes = b""


class Course:
    """What a log has shown so far, in constant memory."""

    def __init__(self) -> None:
        self._failures: list[Failure] = []
        self._begun: dict[str, int] = {}
        self._stands: dict[str, bool] = {}

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The first failures that nothing has taken back, in the order of their lines."""
        return tuple(sorted(self._failures, key=lambda failure: failure.line.number))

    @property
    def complains(self) -> bool:
        """Whether something went wrong that a good end would take back."""
        return any(not failure.final for failure in self._failures)

    @property
    def met(self) -> bool:
        """Whether something went wrong of which the log says how it was met, so that a closing word takes it back."""
        return any(failure.met and not failure.final for failure in self._failures)

    @property
    def condemned(self) -> bool:
        """Whether a verdict stands that no good end takes back."""
        return any(failure.final for failure in self._failures)

    @property
    def full(self) -> bool:
        """Whether one more failure would change nothing until something ends well."""
        return len(self._failures) >= KEPT

    @property
    def state(self) -> object:
        """All that it knows, but not in which lines."""
        failures = [(known.line.text, known.writer, known.final, known.met) for known in self._failures]
        return failures, [*self._begun], dict(self._stands)

    def running(self, runner: str) -> bool:
        """Whether a run of this runner of tests has begun and not ended."""
        return runner in self._begun

    def report(self, report: str) -> None:
        """A report begins of how another thing stands, and then of its past."""
        self._stands.pop(report, None)

    def stand(self, report: str, *, well: bool) -> None:
        """The report says how the thing stands; what is ill in one way is not well."""
        self._stands[report] = well and self._stands.get(report, True)

    def over(self, reports: set[str]) -> bool:
        """Whether what one of these reports tells of the past is over: the thing is well now."""
        return any(self._stands.get(report, False) for report in reports)

    def fail(self, failure: Failure, runner: str = "") -> None:
        """Something went wrong. A runner's own verdict ends its run."""
        self._begun.pop(runner, None)
        same = [known for known in self._failures if known.line.number == failure.line.number]
        if same and failure.final:
            self._failures = [known for known in self._failures if known not in same]
        if failure.final or not (same or self.full):
            self._failures = [*self._failures, failure][:KEPT]

    def succeed(self, writer: bytes, *, met: bool = False) -> None:
        """Something came up or was done, or something ended that may be a cleanup: then only what was `met` goes.

        Who writes without a name speaks for all.
        """
        self._failures = [
            known
            for known in self._failures
            if known.final or writer not in (b"", known.writer) or (met and not known.met)
        ]

    def begin(self, runner: str, number: int) -> None:
        """A run of tests begins at this line."""
        self._begun.setdefault(runner, number)

    def forget(self, runs: list[range]) -> None:
        """Nothing that went wrong in one of these lines counts."""
        self._failures = [known for known in self._failures if not any(known.line.number in run for run in runs)]

    def pass_over(self, work: Work) -> None:
        """What a program went on from with its work is no failure, but for a verdict."""
        self._failures = [
            known
            for known in self._failures
            if known.final or not work.goes_on(known.line.number, known.writer, ENOUGH)
        ]

    def passed(self, runner: str, number: int, writer: bytes) -> int:
        """All tests passed: the line since which nothing counts, this one when nothing said that the run began."""
        since = self._begun.pop(runner, number)
        self.succeed(writer)
        self._failures = [known for known in self._failures if known.line.number < since]
        return since
