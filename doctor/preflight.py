"""What `serve` asks before it starts anything: can this host do it at all?

    from doctor import preflight
    from doctor.asked import Asked

    preflight.require(release, Asked(gpus=4, tensor_parallel=4, http_port=8000))

It takes about as long as `docker info` (a few tenths of a second) and never more than `DEADLINE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from doctor.asked import Asked
from doctor.checks.registry import CHECKS
from doctor.checks.texts import texts
from doctor.judgement import judged, subject
from doctor.outcome import Outcome, State
from doctor.visit import Visit, taken
from environment.errors import Trouble
from environment.releases import Release
from environment.workspace import current

BESIDE = Path(__file__).parents[1]  # where the workspace lies unless TRTLLM_WORKSPACE says otherwise
DEADLINE = 1.2  # seconds: with the start of Python, the answer is there within two
SERVING = frozenset({"G001", "G002", "G003", "G004", "G006", "G007", "G008", "G009", "D001", "D004", "S001"})
READ = frozenset({"nvml", "docker/info", "system", "sockets", "processes"})  # what those checks are judged by


def judge(release: Release, asked: Asked, language: str = "en") -> tuple[Outcome, ...]:
    """What the checks say that decide whether this host can serve the release with `asked.gpus` GPUs and its ports."""
    visit = Visit(tag=release.tag, asked=asked, workspace=current(BESIDE))
    readings = taken(visit, language, deadline=DEADLINE, only=READ)
    checks = [check for check in CHECKS if check.id in SERVING]
    return judged(subject(readings, release, asked), language, checks)


def require(release: Release, asked: Asked, language: str = "en") -> None:
    """Raises Trouble with every failure, found and needed, and what mends it; says nothing when the host will do."""
    failures = [outcome for outcome in judge(release, asked, language) if outcome.state is State.FAIL]
    if failures:
        raise trouble(failures, release, texts(language).common["report"]["cannot"])


def trouble(failures: Sequence[Outcome], release: Release, words: str) -> Trouble:
    """All failures as one trouble. Pure."""
    found = "\n         ".join(f"{outcome.id} {outcome.message}" for outcome in failures)
    mend = "\n         ".join(dict.fromkeys(outcome.fix for outcome in failures))
    return Trouble(words.format(tag=release.tag), why=found, mend=mend)
