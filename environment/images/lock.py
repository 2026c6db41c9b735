"""Takes a lock: which image exactly, from what, and what was found inside. `--locked` refuses anything else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec

from environment.console import say
from environment.container import Engine, connect
from environment.engine_answers import Image
from environment.errors import Trouble
from environment.fetched import recorded
from environment.image_layout import BACKEND, BASE, BUILT_FROM, IDENTITY, RELEASE, TENSORRT_LLM, WAY
from environment.images.drift import differences, digests_of
from environment.images.lock_file import Lock, LockedBase, LockedImage, Pinned, read
from environment.images.making import observe
from environment.images.order import OVERLAID, Order
from environment.images.verification import observations
from environment.releases import find


def taken(name: str, checkpoints: Path) -> Lock:
    """The lock of the image `name` and of the fetched `checkpoints` as they are now.

    Raises Trouble when there is no such image, or it was not made here.
    """
    engine = connect()
    image = engine.image(name)
    if image is None:
        raise Trouble(f"there is no image {name} to lock", mend="invoke image --tag TAG makes one")
    labels = image.labels
    if IDENTITY not in labels:
        raise Trouble(f"{name} was not made by invoke image: its sources are not known", mend="invoke image --tag TAG")
    release, probe = find(labels[RELEASE]), observe(engine, image.id)
    return Lock(
        release=release.tag,
        image=LockedImage(name=name, id=image.id, way=labels[WAY], identity=labels[IDENTITY], layers=len(image.layers)),
        base=stood_on(engine, labels[BASE], image),
        built_from=built_from(engine, labels.get(BUILT_FROM, "")),
        backend=Pinned(repo=release.backend.repo, commit=labels[BACKEND]),
        tensorrt_llm=Pinned(repo=release.tensorrt_llm.repo, commit=labels[TENSORRT_LLM]),
        observed=observations(probe),
        upstream=probe["upstream"],
        checkpoints=recorded(checkpoints),
    )


def stood_on(engine: Engine, reference: str, image: Image) -> LockedBase:
    """The base that the image says it has, with its digest when the image does stand on it as it is here now."""
    base = engine.image(reference)
    if base is None or not base.layers or image.layers[: len(base.layers)] != base.layers:
        return LockedBase(reference=reference, digest="")
    depth = len(base.layers)
    return LockedBase(reference=reference, digest=digest(base, reference), layers=depth, chain=chain(base.layers))


def chain(layers: tuple[str, ...]) -> str:
    """One digest for a row of layers."""
    return f"sha256:{hashlib.sha256(chr(10).join(layers).encode()).hexdigest()}"


def built_from(engine: Engine, label: str) -> dict[str, LockedBase]:
    """The images that the label names, `NAME=REFERENCE` each, as far as they are on this engine."""
    named = {name: reference for name, _, reference in (word.partition("=") for word in label.split())}
    there = {name: engine.image(reference) for name, reference in named.items()}
    return {
        name: LockedBase(reference=named[name], digest=digest(image, named[name]))
        for name, image in there.items()
        if image
    }


def digest(image: Image, reference: str) -> str:
    """The registry's digest of an image on this engine; "" when it never came from one."""
    repository = reference.partition("@")[0].rpartition(":")[0]
    return next((each.partition("@")[2] for each in image.digests if each.startswith(f"{repository}@")), "")


def pinned(order: Order, file: Path) -> Order:
    """The order on exactly what is locked; raises Trouble when the lock is of another release."""
    locked, where = read(file), str(file)
    if locked.release != order.release.tag:
        mend = f"invoke image --tag {locked.release} --locked"
        raise Trouble(f"{file.name} locks {locked.release}, not {order.release.tag}", where=where, mend=mend)
    if order.choice.way != locked.image.way:
        what = f"{file.name} locks an image from {locked.image.way}, not {order.choice.way}"
        mend = f"invoke image --tag {locked.release} --from {locked.image.way} --locked"
        raise Trouble(what, where=where, mend=mend)
    return replace(order, digests=digests_of({OVERLAID: locked.base, **locked.built_from}))


def refuse_differences(file: Path, name: str, checkpoints: Path) -> None:
    """Raises Trouble when the image `name` or a fetched checkpoint is not what `file` locks, with every difference."""
    locked, now = read(file), taken(name, checkpoints)
    if found := differences(locked, on_the_same(locked, now)):
        shown = "\n".join(f"  {row}" for row in found[:20])
        raise Trouble(
            f"{name} is not what {file.name} locks: {len(found)} differences\n{shown}",
            where=str(file),
            mend="make the locked one: invoke image --tag TAG --locked; or lock this one: invoke lock",
        )
    if locked.image.id != now.image.id:
        say(f"{name} is {now.image.id}, made again or elsewhere: its contents are what {file.name} locks")


def on_the_same(locked: Lock, now: Lock) -> Lock:
    """`now` with the locked base, when the image stands on its very layers: the base itself may be gone by now."""
    image = connect().image(now.image.id)
    layers = image.layers[: locked.base.layers] if image else ()
    return msgspec.structs.replace(now, base=locked.base) if layers and chain(layers) == locked.base.chain else now
