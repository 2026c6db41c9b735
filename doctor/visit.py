"""One visit to the doctor: what is looked at, and how its readings are taken.

The probes start before anything that is only needed to judge: imports, words and advisories come while they work.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from doctor.asked import Asked, Named
from doctor.facts.readings import Reading
from doctor.probes import docker as docker_probes
from doctor.probes import gpu as gpu_probes
from doctor.probes import host as host_probes
from doctor.probes import libraries as library_probes
from doctor.probes import run_log as log_probes
from doctor.probes.taking import Probe, finish, start
from environment.data import Value
from environment.home import home
from environment.releases import DEFAULT_TAG, Release, find, named_tag
from environment.workspace import Workspace, current, lock_file

WHOLE_RUN = 20.0  # seconds no visit exceeds


class Visit(Value, frozen=True, kw_only=True):
    """What is looked at, for which release, and what is asked of it."""

    tag: str
    workspace: Workspace
    asked: Asked = Asked()
    image: str = ""
    lock: Path = msgspec.field(default_factory=lock_file)
    named: Named = Named()

    @property
    def release(self) -> Release:
        """The release of the tag. It takes a while to read, and no probe asks for it."""
        return find(self.tag)


def visit(tag: str, asked: Asked, beside: Path, *, image: str = "", named: Named | None = None) -> Visit:
    """A visit for the release of a tag (the default one for ""); raises Usage for a tag that is not known."""
    known, lock = named_tag(tag or DEFAULT_TAG), lock_file(beside)
    return Visit(tag=known, workspace=current(beside), asked=asked, image=image, lock=lock, named=named or Named())


def taken(
    visit: Visit, language: str = "en", deadline: float = WHOLE_RUN, only: frozenset[str] = frozenset()
) -> dict[str, Reading]:
    """Every reading of this machine, no probe longer than `deadline` seconds, secrets already cut out.

    `only` names the readings that are needed, when not all are: a probe that gives none of them is left out.
    """
    asked = [probe for probe in probes(visit) if not only or only & set(probe.gives)]
    within = tuple(replace(probe, deadline=min(probe.deadline, deadline)) for probe in asked)
    runs = start((*within, *_deep(visit)))
    from doctor.judgement import prepare
    from doctor.redaction import without_secrets

    prepare(language)
    return finish(runs, without_secrets)


def named(visit: Visit) -> dict[str, Reading]:
    """The readings of the named folders alone."""
    from doctor.redaction import without_secrets

    return finish(start((*_named(visit.named), *_digests(visit.named))), without_secrets)


def probes(visit: Visit) -> tuple[Probe, ...]:
    """What is asked of this machine."""
    disks = {"work": visit.workspace.root, "cache": _cache(), "shm": Path("/dev/shm"), "tmp": Path("/tmp")}  # noqa: S108
    return (
        *(_image(visit.image, visit.lock) if visit.image else ()),
        *(_source(visit.named.source) if visit.named.source else ()),
        *_named(visit.named),
        *(_hub(visit.asked) if visit.named.online and visit.asked.hub else ()),
        *log_probes.probes(visit.workspace.runs),
        *docker_probes.probes(),
        *library_probes.probes(),
        *gpu_probes.probes(),
        *host_probes.probes(disks, visit.asked.http_port),
    )


def _cache() -> Path:
    """Where Hugging Face's files are kept (huggingface_hub: HF_HUB_CACHE, HF_HOME)."""
    kept = os.environ.get("HF_HOME", home() / ".cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE", Path(kept) / "hub"))


def _image(reference: str, lock: Path) -> tuple[Probe, ...]:
    from doctor.probes import image

    return (*image.probes(reference, lock), *image.pip_probes(reference))


def _named(folders: Named) -> tuple[Probe, ...]:
    if not (folders.engine or folders.model or folders.repository):
        return ()
    from doctor.probes import artifacts

    return artifacts.probes(folders)


def _hub(asked: Asked) -> tuple[Probe, ...]:
    from doctor.probes import hub

    return hub.probes(asked.hub, asked.hub_revision)


def _deep(visit: Visit) -> tuple[Probe, ...]:
    """What only --deep does, and what may take longer than a visit does otherwise."""
    if not (visit.named.deep and visit.image):
        return _digests(visit.named)
    from doctor.probes import smoke

    return (*_digests(visit.named), *smoke.probes(visit.image))


def _digests(folders: Named) -> tuple[Probe, ...]:
    if not folders.deep:
        return ()
    from doctor.probes import artifacts

    return artifacts.deep_probes(folders)


def _source(folder: str) -> tuple[Probe, ...]:
    from doctor.probes import source

    return source.probes(folder)
