"""From readings to outcomes: facts are parsed, and every check is asked. Pure, once words and advisories are loaded."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from doctor.advisories import advisories
from doctor.asked import Asked
from doctor.checks.registry import CHECKS
from doctor.checks.texts import texts
from doctor.examination import examine
from doctor.facts import docker, gpu, host, image, linking, source
from doctor.facts.artifacts import Artifacts
from doctor.facts.readings import Readings
from doctor.outcome import Check, Outcome
from doctor.subject import Subject
from environment.artifacts.engine import Engine
from environment.releases import Release


def prepare(language: str) -> None:
    """Loads the words and the advisories, so that judging and telling take no time later."""
    import doctor.telling  # noqa: F401

    texts(language)
    advisories()


def subject(readings: Readings, release: Release, asked: Asked, artifacts: Artifacts | None = None) -> Subject:
    """The facts of the readings and of the named folders, for a release and what is asked. Pure."""
    artifacts = artifacts or Artifacts()
    return Subject(
        host=host.parse(readings),
        gpus=gpu.parse(readings),
        docker=docker.parse(readings),
        release=release,
        asked=_launched(asked, artifacts),
        advisories=advisories(),
        image=image.parse(readings),
        source=source.parse(readings),
        linking=linking.parse(readings, "image/libraries" if "image/inspect" in readings else "libraries"),
        artifacts=artifacts,
    )


def _launched(asked: Asked, artifacts: Artifacts) -> Asked:
    """Where nobody named the ranks, as many are launched as the named engine has."""
    engine = artifacts.engine
    if asked.launch_named or not isinstance(engine, Engine):
        return asked
    mapped = engine.mapped
    return replace(
        asked,
        gpus=mapped.world_size,
        tensor_parallel=mapped.tensor_parallel,
        pipeline_parallel=mapped.pipeline_parallel,
    )


def judged(
    judged_subject: Subject, language: str = "en", checks: Iterable[Check[Subject]] = CHECKS
) -> tuple[Outcome, ...]:
    """What every check says. Pure, once the words are loaded."""
    return examine(checks, judged_subject, texts(language))
