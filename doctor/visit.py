"""One visit to the doctor: readings are taken, read as facts, and every check is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from doctor.advisories import advisories
from doctor.checks.registry import CHECKS
from doctor.checks.texts import texts
from doctor.examination import examine
from doctor.facts import docker, gpu, host, image
from doctor.facts.artifacts import Artifacts
from doctor.facts.readings import Reading, Readings
from doctor.outcome import Check, Outcome
from doctor.probes import docker as docker_probes
from doctor.probes import gpu as gpu_probes
from doctor.probes import host as host_probes
from doctor.probes import image as image_probes
from doctor.probes.artifacts import Named
from doctor.probes.taking import Probe, finish, start
from doctor.redaction import without_secrets
from doctor.subject import Asked, Subject
from environment.artifacts.engine import Engine
from environment.releases import DEFAULT_TAG, Release, find
from environment.workspace import Workspace, current

WHOLE_RUN = 20.0  # seconds no visit exceeds


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What is looked at, for which release, and what is asked of it."""

    release: Release
    workspace: Workspace
    asked: Asked = field(default_factory=Asked)
    image: str = ""
    named: Named = field(default_factory=Named)


def visit(tag: str, asked: Asked, beside: Path, *, image: str = "", named: Named | None = None) -> Visit:
    """A visit for the release of a tag (the default one for ""); raises Usage for a tag that is not known."""
    release, workspace = find(tag or DEFAULT_TAG), current(beside)
    return Visit(release=release, workspace=workspace, asked=asked, image=image, named=named or Named())


def taken(visit: Visit, language: str = "en", deadline: float = WHOLE_RUN) -> dict[str, Reading]:
    """Every reading of this machine, no probe longer than `deadline` seconds, secrets already cut out.

    The words of the report are loaded while the probes are at work.
    """
    runs = start(tuple(replace(probe, deadline=min(probe.deadline, deadline)) for probe in _probes(visit)))
    texts(language)
    advisories()
    return without_secrets(finish(runs))


def _probes(visit: Visit) -> tuple[Probe, ...]:
    disks = {"work": visit.workspace.root, "cache": _cache(), "shm": Path("/dev/shm"), "tmp": Path("/tmp")}  # noqa: S108
    return (
        *(image_probes.probes(visit.image) if visit.image else ()),
        *docker_probes.probes(),
        *gpu_probes.probes(),
        *host_probes.probes(disks, visit.asked.http_port),
    )


def _cache() -> Path:
    """Where Hugging Face's files are kept (huggingface_hub: HF_HUB_CACHE, HF_HOME)."""
    home = os.environ.get("HF_HOME", Path.home() / ".cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE", Path(home) / "hub"))


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
