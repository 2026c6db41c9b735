"""The lock file as a value: one stack, written whole, read strictly."""

from __future__ import annotations

from pathlib import Path

import msgspec

from environment.data import Record, read_json
from environment.errors import Trouble
from environment.staging import write_whole


class Pinned(Record, frozen=True, kw_only=True):
    """A repository at one commit."""

    repo: str
    commit: str


class LockedImage(Record, frozen=True, kw_only=True):
    """The image. `id` is this host's: the same image made elsewhere has other time stamps and so another id.

    `layers` is how many it has: what is put on a finished image afterwards adds one.
    """

    name: str
    id: str
    way: str
    identity: str
    layers: int


class LockedBase(Record, frozen=True, kw_only=True):
    """What an image stands on; `digest` is the registry's, "" for one that was built here.

    `layers` is how many of the image's layers are its, and `chain` the SHA-256 of their digests.
    """

    reference: str
    digest: str
    layers: int = 0
    chain: str = ""


class Lock(Record, frozen=True, kw_only=True):
    """One stack. `observed` holds versions by name, `upstream` the SHA-256 of each file by its path in the checkout.

    `base` is what the overlay was put on; `built_from` what that was built from, if it was built here, by the argument
    of upstream's Dockerfile. `checkpoints` holds, by repository@revision, the SHA-256 of each file that was fetched.
    """

    schema: str = "lock/1"
    release: str
    image: LockedImage
    base: LockedBase
    backend: Pinned
    tensorrt_llm: Pinned
    observed: dict[str, str]
    upstream: dict[str, str]
    built_from: dict[str, LockedBase] = msgspec.field(default_factory=dict)
    checkpoints: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


def as_json(lock: Lock) -> bytes:
    """The content of its file."""
    return msgspec.json.format(msgspec.json.encode(lock, order="sorted"), indent=2) + b"\n"


def write(lock: Lock, file: Path) -> None:
    """Writes the lock whole: a kill leaves the old one."""
    write_whole(file, as_json(lock))


def read(file: Path) -> Lock:
    """The lock in `file`; raises Trouble when there is none or it is damaged."""
    if not file.exists():
        raise Trouble(
            f"there is no lock file {file}", mend="invoke lock --tag TAG   writes one of the image that is here"
        )
    return read_json(file, Lock)
