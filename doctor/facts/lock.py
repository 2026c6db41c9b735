"""What the lock file says of an image. Pure; the whole file is `environment/images/lock.py`'s."""

from __future__ import annotations

from collections.abc import Mapping

from doctor.facts.readings import Said


class LockedImage(Said, frozen=True, kw_only=True):
    """The image: its name, and what its identity label must say."""

    name: str
    identity: str


class LockedBase(Said, frozen=True, kw_only=True):
    """What the image was put on; `digest` is the registry's, "" for a base that was built here."""

    reference: str
    digest: str


class Locked(Said, frozen=True, kw_only=True):
    """One stack. `upstream` holds the SHA-256 of each of upstream's files by its path."""

    release: str
    image: LockedImage
    base: LockedBase
    upstream: Mapping[str, str]
