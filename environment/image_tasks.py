"""The tasks about images: make or verify one, lock it."""

from __future__ import annotations

from typing import NoReturn

from invoke import Context, Exit, task

from environment.console import result, result_plan, say
from environment.workspace import current, lock_file


@task(
    help={
        "tag": "the release, such as v0.10.0",
        "from": "ngc (pull what NVIDIA publishes) or source (build it); default: what is best for the release",
        "name": "the image's name (default: trtllm:TAG)",
        "registry": "a mirror instead of nvcr.io: HOST[:PORT][/PATH]",
        "ca": "a company's CA that a build from source trusts: a file of certificates in PEM",
        "jobs": "compile jobs of a build from source (default: what this host's memory bears)",
        "arch": "CUDA architectures of a build from source, such as 90-real (default: this host's GPUs)",
        "locked": "make exactly what trtllm.lock.json locks, and refuse anything else",
        "verify": "only look into this image and compare it with the release it is, or with --tag",
        "json": "as data; with --dry, the plan",
    },
)
def image(
    c: Context,
    tag: str = "",
    from_: str = "",
    name: str = "",
    registry: str = "",
    ca: str = "",
    jobs: int = 0,
    arch: str = "",
    locked: bool = False,
    verify: str = "",
    json: bool = False,
) -> None:
    """Make the matched, verified image of a release: pulled or built from source. `--dry` prints every command."""
    from environment.images.order import ordered
    from environment.images.settings import checked_settings

    if verify:
        verify_image(verify, tag, dry=c.config.run.dry, json=json)
    workspace = current().root
    settings = checked_settings(c.config.get("image"))
    order = ordered(
        tag=tag,
        way=from_,
        name=name,
        registry=registry or settings.registry,
        ca=ca or settings.ca,
        jobs=jobs,
        architectures=arch,
    )
    if locked:
        from environment.images import lock

        order = lock.pinned(order, lock_file())
    if c.config.run.dry:
        from environment import machine
        from environment.images.planning import plan
        from environment.images.readiness import warnings

        this = machine.this()
        for warning in warnings(order, this):
            say(f"warning: {warning}", style="yellow")
        result_plan(plan(order, this, workspace), json=json)
    else:
        from environment.images import inspection, making

        made = making.make(order, workspace)
        if locked:
            lock.refuse_differences(lock_file(), order.name, current().checkpoints)
        inspection.tell_made(order.name, made, json=json)


def verify_image(reference: str, tag: str, *, dry: bool, json: bool) -> NoReturn:
    """Looks into one image, says what was found, and ends with its exit code; `dry`: says what would be run."""
    from environment.images import inspection

    if dry:
        result_plan(inspection.plan(reference), json=json)
        raise Exit(code=0)
    found = inspection.inspect(reference, tag)
    inspection.tell(found, json=json)
    raise Exit(code=found.code)


@task(help={"tag": "the release whose image is locked", "name": "the image's name (default: trtllm:TAG)"})
def lock(c: Context, tag: str = "", name: str = "") -> None:
    """Write trtllm.lock.json: which image exactly, from what, and what was found inside. `--dry` only says what."""
    from environment.images import lock
    from environment.images.lock_file import as_json, write
    from environment.images.order import ordered

    order = ordered(tag=tag, way="", name=name, registry="")
    locked = lock.taken(order.name, order.release.tag, current().checkpoints)
    if tag:
        lock.refuse_another(locked, order.release.tag)
    if c.config.run.dry:
        result(as_json(locked).decode())
        return
    write(locked, lock_file())
    say(f"{lock_file()}: {order.name} is {locked.image.id}")
