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
from environment.images.order import OVERLAID, Order, image_name
from environment.images.verification import observations
from environment.releases import find
from environment.signals import terminable


@terminable()
def taken(name: str, tag: str, checkpoints: Path) -> Lock:
    """The lock of the image `name` and of the fetched `checkpoints` as they are now; `tag` is what would make it.

    Raises Trouble when there is no such image, or it was not made here.
    """
    engine = connect()
    image = engine.image(name)
    if image is None:
        raise Trouble(f"there is no image {name} to lock", mend=f"{making(tag, name)}   makes it")
    labels = image.labels
    if IDENTITY not in labels:
        what = f"{name} was not made by invoke image: its sources are not known"
        raise Trouble(what, mend=f"{making(tag, name)}   makes it anew, from sources that are")
    release, probe = find(labels[RELEASE]), observe(engine, image.id, called=name)
    return Lock(
        release=release.tag,
        image=LockedImage(name=name, id=image.id, way=labels[WAY], identity=labels[IDENTITY], layers=len(image.layers)),
        base=stood_on(engine, labels[BASE], image),
        built_from=built_from(engine, labels.get(BUILT_FROM, "")),
        backend=Pinned(repo=release.backend.repo, commit=labels[BACKEND]),
        tensorrt_llm=Pinned(repo=release.tensorrt_llm.repo, commit=labels[TENSORRT_LLM]),
        observed=observations(probe),
        upstream=dict(probe.upstream),
        checkpoints=recorded(checkpoints),
    )


def making(tag: str, name: str, *words: str) -> str:
    """The command that makes the image `name` of a release."""
    return " ".join(("invoke", "image", "--tag", tag, *(() if name == image_name(tag) else ("--name", name)), *words))


def refuse_another(locked: Lock, tag: str) -> None:
    """Raises Trouble when what was found is not the release that was asked for."""
    if locked.release != tag:
        name = locked.image.name
        mend = f"{making(tag, name)}   makes that; or lock what is there: invoke lock --name {name}"
        raise Trouble(f"{name} is of {locked.release}, not {tag}", mend=mend)


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
        mend = f"{making(locked.release, locked.image.name, '--locked')}; or lock the other: invoke lock --tag"
        what = f"{file.name} locks {locked.release}, not {order.release.tag}"
        raise Trouble(what, where=where, mend=f"{mend} {order.release.tag}")
    if order.choice.way != locked.image.way:
        what = f"{file.name} locks an image from {locked.image.way}, not {order.choice.way}"
        mend = f"invoke image --tag {locked.release} --from {locked.image.way} --locked"
        raise Trouble(what, where=where, mend=mend)
    return replace(order, digests=digests_of({OVERLAID: locked.base, **locked.built_from}))


def refuse_differences(file: Path, name: str, checkpoints: Path) -> None:
    """Raises Trouble when the image `name` or a fetched checkpoint is not what `file` locks, with every difference."""
    locked = read(file)
    now = taken(name, locked.release, checkpoints)
    if found := differences(locked, on_the_same(locked, now)):
        shown = "\n".join(f"  {row}" for row in found[:20])
        differing = f"{len(found)} difference{'' if len(found) == 1 else 's'}"
        again = making(locked.release, name, "--from", locked.image.way, "--locked")
        raise Trouble(
            f"{name} is not what {file.name} locks: {differing}\n{shown}",
            where=str(file),
            mend=f"docker rmi {name} && {again}   makes the locked one; invoke lock --name {name}   locks this one",
        )
    if locked.image.id != now.image.id:
        say(f"{name} is {now.image.id}, made again or elsewhere: its contents are what {file.name} locks")


def on_the_same(locked: Lock, now: Lock) -> Lock:
    """`now` with the locked base, when the image stands on its very layers: the base itself may be gone by now."""
    image = connect().image(now.image.id)
    layers = image.layers[: locked.base.layers] if image else ()
    return msgspec.structs.replace(now, base=locked.base) if layers and chain(layers) == locked.base.chain else now
