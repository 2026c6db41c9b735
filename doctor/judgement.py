"""From readings to outcomes: facts are parsed, and every check is asked. Pure, once words and advisories are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from doctor.advisories import advisories
from doctor.asked import Asked
from doctor.checks.registry import CHECKS
from doctor.checks.texts import texts
from doctor.examination import examine
from doctor.facts import artifacts, docker, gpu, host, hub, image, linking, run_log, source
from doctor.facts.artifacts import NOT_READ, Artifacts
from doctor.facts.readings import Readings
from doctor.outcome import Check, Outcome
from doctor.subject import Subject
from doctor.template_code import released
from environment.artifacts.engine import Engine
from environment.errors import Trouble
from environment.releases import Release
from environment.unknown import Unknown

if TYPE_CHECKING:
    from environment.contracts import Placeholder


def prepare(language: str) -> None:
    """Loads the words and the advisories, so that judging and telling take no time later."""
    import doctor.telling  # noqa: F401

    texts(language)
    advisories()


def subject(readings: Readings, release: Release, asked: Asked) -> Subject:
    """The facts of the readings, for a release and what is asked. Pure, once the release's templates are loaded."""
    found = _beside_the_release(artifacts.parse(readings), release.tag)
    return Subject(
        host=host.parse(readings),
        gpus=gpu.parse(readings),
        docker=docker.parse(readings),
        release=release,
        asked=_launched(asked, found),
        advisories=advisories(),
        image=image.parse(readings),
        source=source.parse(readings),
        linking=linking.parse(readings, "image/libraries" if "image/inspect" in readings else "libraries"),
        artifacts=found,
        hub=hub.parse(readings),
        run_log=run_log.parse(readings),
    )


def _beside_the_release(found: Artifacts, tag: str) -> Artifacts:
    """The artifacts with what the release's own templates are like; those of a repository are believed first."""
    template = released(tag) if isinstance(found.template, Unknown) else found.template
    return replace(found, template=template, placeholders=_placeholders(tag) if found.repository else NOT_READ)


def _placeholders(tag: str) -> Mapping[str, tuple[Placeholder, ...]] | Unknown:
    from environment.contracts import placeholders

    try:
        return placeholders(tag)
    except Trouble as trouble:
        return Unknown(str(trouble.what))


def _launched(asked: Asked, found: Artifacts) -> Asked:
    """Where nobody named the ranks, as many are launched as the named engine has, on the first GPUs."""
    engine = found.engine
    if asked.launch_named or not isinstance(engine, Engine):
        return asked
    mapped = engine.mapped
    return replace(
        asked,
        gpus=mapped.world_size,
        tensor_parallel=mapped.tensor_parallel,
        pipeline_parallel=mapped.pipeline_parallel,
        devices=asked.devices or tuple(range(mapped.world_size)),
    )


def judged(
    judged_subject: Subject, language: str = "en", checks: Iterable[Check[Subject]] = CHECKS
) -> tuple[Outcome, ...]:
    """What every check says. Pure, once the words are loaded."""
    return examine(checks, judged_subject, texts(language))
