"""What was seen in an image: what the engine says of it, and what the probe inside it found. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from doctor.facts.lock import Locked
from doctor.facts.readings import Readings, Said, reading, record
from environment.data import Value
from environment.images.probed import Probed
from environment.unknown import Unknown, then

TENSORRTLLM_BACKEND = "/opt/tritonserver/backends/tensorrtllm"


class Smoke(Said, frozen=True, kw_only=True):
    """What a container of the image saw of the GPUs; `refused` are the engine's words when none came to be.

    `smi` is the exit code of `nvidia-smi -L`, `cuda` CUDA's own number (0 is success), None without libcuda.
    """

    refused: str = ""
    smi: int = 0
    smi_said: str = ""
    cuda: int | None = None
    devices: int = 0
    cuda_said: str = ""


class Image(Value, frozen=True, kw_only=True):
    """One image. `present` is whether this engine holds it; `environment` its settings, secrets already cut out.

    `lock` is the project's lock file, None when there is none; `conflicts` the lines of `pip check`, None without pip;
    `smoke` what a container of it sees of the GPUs, None when none was started.
    """

    reference: str
    present: bool | Unknown
    digests: tuple[str, ...] | Unknown
    size: int | Unknown
    user: str | Unknown
    environment: Mapping[str, str] | Unknown
    labels: Mapping[str, str] | Unknown
    history: tuple[str, ...] | Unknown
    probe: Probed | Unknown
    lock: Locked | Unknown | None = None
    conflicts: tuple[str, ...] | Unknown | None = None
    smoke: Smoke | Unknown | None = None


class _Config(Said, frozen=True, kw_only=True):
    User: str | None = None
    Env: tuple[str, ...] | None = None
    Labels: dict[str, str] | None = None


class _Inspected(Said, frozen=True, kw_only=True):
    """A row of `docker image inspect`."""

    Size: int
    RepoDigests: tuple[str, ...] | None = None
    Config: _Config | None = None


def parse(readings: Readings) -> Image | None:
    """The image that was asked about; None when none was."""
    if "image/inspect" not in readings:
        return None
    rows = record(readings, "image/inspect", tuple[_Inspected, ...])
    said = then(rows, lambda found: found[0] if found else Unknown("docker image inspect answered nothing"))
    config = then(said, lambda row: row.Config or _Config())
    return Image(
        reference=reading(readings, "image/reference").text,
        present=_present(readings),
        digests=then(said, lambda row: row.RepoDigests or ()),
        size=then(said, lambda row: row.Size),
        user=then(config, lambda row: row.User or ""),
        environment=then(config, lambda row: dict(_pair(word) for word in row.Env or ())),
        labels=then(config, lambda row: row.Labels or {}),
        history=then(record(readings, "image/history", list[str]), tuple),
        probe=_probe(readings),
        lock=_lock(readings),
        conflicts=_conflicts(readings),
        smoke=record(readings, "image/smoke", Smoke) if "image/smoke" in readings else None,
    )


def _conflicts(readings: Readings) -> tuple[str, ...] | Unknown | None:
    absent = "image/pip" in readings and reading(readings, "image/pip").status == "absent"
    return None if absent else record(readings, "image/pip", tuple[str, ...])


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _present(readings: Readings) -> bool | Unknown:
    taken = reading(readings, "image/inspect")
    if taken.status == "failed" and "no such image" in taken.reason.lower():
        return False
    return then(record(readings, "image/inspect", list[msgspec.Raw]), bool)


def _probe(readings: Readings) -> Probed | Unknown:
    return record(readings, "image/probe", Probed)


def _lock(readings: Readings) -> Locked | Unknown | None:
    absent = "image/lock" not in readings or reading(readings, "image/lock").status == "absent"
    return None if absent else record(readings, "image/lock", Locked)
