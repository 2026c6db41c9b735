"""The lock file: which image exactly, from what, and what was found inside. `--locked` refuses anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from environment.container import Engine, connect
from environment.data import Record, read_json
from environment.errors import Trouble
from environment.fetched import recorded
from environment.image_layout import BASE, BUILT_FROM, IDENTITY, RELEASE, WAY
from environment.images.making import observe
from environment.images.order import OVERLAID, Order
from environment.images.verification import observations
from environment.releases import find

NAME = "trtllm.lock.json"


class Pinned(Record, frozen=True, kw_only=True):
    """A repository at one commit."""

    repo: str
    commit: str


class LockedImage(Record, frozen=True, kw_only=True):
    """The image. `id` is this host's: the same image made elsewhere has other time stamps and so another id."""

    name: str
    id: str
    way: str
    identity: str


class LockedBase(Record, frozen=True, kw_only=True):
    """What an image stands on; `digest` is the registry's, "" for one that was built here."""

    reference: str
    digest: str


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


def taken(name: str, checkpoints: Path) -> Lock:
    """The lock of the image `name` and of the fetched `checkpoints` as they are now.

    Raises Trouble when there is no such image, or it was not made here.
    """
    engine = connect()
    image = engine.image(name)
    if image is None:
        raise Trouble(f"there is no image {name} to lock", mend="invoke image --tag TAG makes one")
    if IDENTITY not in image.labels:
        raise Trouble(f"{name} was not made by invoke image: its sources are not known", mend="invoke image --tag TAG")
    labels = image.labels
    release, probe = find(labels[RELEASE]), observe(engine, image.id)
    return Lock(
        release=release.tag,
        image=LockedImage(name=name, id=image.id, way=labels[WAY], identity=labels[IDENTITY]),
        base=locked_base(engine, labels[BASE]),
        built_from=built_from(engine, labels.get(BUILT_FROM, "")),
        backend=Pinned(repo=release.backend.repo, commit=release.backend.commit),
        tensorrt_llm=Pinned(repo=release.tensorrt_llm.repo, commit=release.tensorrt_llm.commit),
        observed=observations(probe),
        upstream=probe["upstream"],
        checkpoints=recorded(checkpoints),
    )


def locked_base(engine: Engine, reference: str) -> LockedBase:
    """The image with its digest."""
    return LockedBase(reference=reference, digest=digest_of(engine, reference))


def built_from(engine: Engine, label: str) -> dict[str, LockedBase]:
    """The images that the label names, `NAME=REFERENCE` each."""
    named = (word.partition("=") for word in label.split())
    return {name: locked_base(engine, reference) for name, _, reference in named}


def digest_of(engine: Engine, reference: str) -> str:
    """The registry's digest of an image on this engine; "" when it never came from one."""
    image, repository = engine.image(reference), reference.partition("@")[0].rpartition(":")[0]
    digests = image.digests if image else ()
    return next((digest.partition("@")[2] for digest in digests if digest.startswith(f"{repository}@")), "")


def write(lock: Lock, file: Path) -> None:
    """Writes the lock whole: a kill leaves the old one."""
    partial = file.with_name(f"{file.name}.part")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(lock, order="sorted"), indent=2) + b"\n")
    partial.replace(file)


def read(file: Path) -> Lock:
    """The lock in `file`; raises Trouble when there is none or it is damaged."""
    if not file.exists():
        raise Trouble(f"there is no lock file {file}", mend="invoke lock --tag TAG writes one")
    return read_json(file, Lock)


def differences(locked: Lock, now: Lock) -> tuple[str, ...]:
    """What differs, with both values. The image's id and name are not compared: they are of one host."""
    pairs = (
        ("release", locked.release, now.release),
        ("identity", locked.image.identity, now.image.identity),
        ("backend commit", locked.backend.commit, now.backend.commit),
        ("tensorrt_llm commit", locked.tensorrt_llm.commit, now.tensorrt_llm.commit),
    )
    return (
        *(differing(name, one, two) for name, one, two in pairs if one != two),
        *different("digest of ", digests(locked), digests(now)),
        *different("", locked.observed, now.observed),
        *different("upstream ", locked.upstream, now.upstream),
        *(
            difference
            for name in sorted(locked.checkpoints.keys() & now.checkpoints.keys())  # others are not fetched yet
            for difference in different(f"{name} ", locked.checkpoints[name], now.checkpoints[name])
        ),
    )


def digests(lock: Lock) -> dict[str, str]:
    """The registry's digest of everything that was pulled, by the argument of the Dockerfile that names it."""
    found = {OVERLAID: lock.base, **lock.built_from}
    return {name: base.digest for name, base in found.items() if base.digest}


def different(kind: str, locked: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose values differ, with both."""
    names = sorted(name for name in {*locked, *now} if locked.get(name) != now.get(name))
    return tuple(differing(f"{kind}{name}", locked.get(name, ""), now.get(name, "")) for name in names)


def differing(name: str, locked: str, found: str) -> str:
    """One difference, with both values."""
    return f"{name}: locked {locked or 'nothing'}, found {found or 'nothing'}"


def pinned(order: Order, file: Path) -> Order:
    """The order on exactly what is locked; raises Trouble when the lock is of another release."""
    locked = read(file)
    if locked.release != order.release.tag:
        raise Trouble(f"{file.name} locks {locked.release}, not {order.release.tag}", where=str(file))
    if order.choice.way != locked.image.way:
        raise Trouble(f"{file.name} locks an image from {locked.image.way}, not {order.choice.way}", where=str(file))
    return replace(order, digests=digests(locked))


def refuse_differences(file: Path, name: str, checkpoints: Path) -> None:
    """Raises Trouble when the image `name` or a fetched checkpoint is not what `file` locks, with every difference."""
    if found := differences(read(file), taken(name, checkpoints)):
        shown = "\n".join(f"  {row}" for row in found[:20])
        raise Trouble(
            f"{name} is not what {file.name} locks: {len(found)} differences\n{shown}",
            where=str(file),
            mend="make the locked one: invoke image --tag TAG --locked; or lock this one: invoke lock",
        )
