"""What a Docker Engine answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as the engine knows it. `size` in bytes; `digests` are `repository@sha256:...`.

    `layers` are the digests of the unpacked layers, the lowest first.
    """

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    labels: Mapping[str, str]
    env: Mapping[str, str]
    user: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Info:
    """The engine: version, API version, where its data lies, the runtimes it knows, its storage driver.

    `here`: it is asked by a socket of this host, so that its data lies on a disk of this host.
    """

    version: str
    api: str
    root: str
    runtimes: tuple[str, ...]
    driver: str
    here: bool = True


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a container said and how it ended. `killed_for_memory` may be true although `code` is 0 (a killed child)."""

    code: int
    out: str
    err: str
    killed_for_memory: bool


def as_image(inspected: Mapping[str, Any]) -> Image:
    """The image that `docker image inspect` describes."""
    config = inspected.get("Config") or {}
    return Image(
        id=inspected["Id"],
        tags=tuple(inspected.get("RepoTags") or ()),
        digests=tuple(inspected.get("RepoDigests") or ()),
        size=inspected["Size"],
        labels=config.get("Labels") or {},
        env=dict(setting.partition("=")[::2] for setting in config.get("Env") or ()),
        user=config.get("User") or "",
        layers=tuple((inspected.get("RootFS") or {}).get("Layers") or ()),
    )
