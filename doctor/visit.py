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
from doctor.facts.readings import Reading, Readings
from doctor.outcome import Check, Outcome
from doctor.probes import docker as docker_probes
from doctor.probes import gpu as gpu_probes
from doctor.probes import host as host_probes
from doctor.probes import image as image_probes
from doctor.probes.taking import Probe, finish, start
from doctor.redaction import without_secrets
from doctor.subject import Asked, Subject
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


def visit(tag: str, asked: Asked, beside: Path, *, image: str = "") -> Visit:
    """A visit for the release of a tag (the default one for ""); raises Usage for a tag that is not known."""
    return Visit(release=find(tag or DEFAULT_TAG), workspace=current(beside), asked=asked, image=image)


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


def subject(readings: Readings, release: Release, asked: Asked) -> Subject:
    """The facts of the readings, for a release and what is asked. Pure."""
    return Subject(
        host=host.parse(readings),
        gpus=gpu.parse(readings),
        docker=docker.parse(readings),
        release=release,
        asked=asked,
        advisories=advisories(),
        image=image.parse(readings),
    )


def judged(
    judged_subject: Subject, language: str = "en", checks: Iterable[Check[Subject]] = CHECKS
) -> tuple[Outcome, ...]:
    """What every check says. Pure, once the words are loaded."""
    return examine(checks, judged_subject, texts(language))
