"""The plan of an image: every command, in order. Pure; the same order gives the same plan."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from environment.image_layout import BACKEND, BASE, HOME, IDENTITY, MADE_BY, PROBE, RELEASE, TENSORRT_LLM, WAY
from environment.images import trust
from environment.images.building import build_steps, pull_steps
from environment.images.order import OVERLAID, Order, base_of
from environment.images.sources import overlay_sources
from environment.images.tools import BUILD, VERIFY, named_build
from environment.machine import Machine
from environment.plan import Plan, Step
from environment.workspace import PROJECT

OVERLAY = Path("dockerfiles/overlay.Dockerfile")  # both from the project's folder, where a plan runs
PROBE_SCRIPT = Path("environment/images/probe.py")


def identity(order: Order) -> str:
    """What makes two images the same: release, way, base, commits, and the files the overlay is made of.

    Not the mirror, which only hands the base on; of a build from source, the architectures that were asked for.
    """
    release, base = order.release, base_of(replace(order, registry=""))
    parts = (release.tag, order.choice.way, base, release.backend.commit, release.tensorrt_llm.commit)
    compiled = order.architectures if order.choice.way == "source" else ()
    digest = hashlib.sha256("\n".join((*parts, *compiled)).encode())
    for file in (OVERLAY, PROBE_SCRIPT):
        digest.update((PROJECT / file).read_bytes())
    return digest.hexdigest()


def plan(order: Order, machine: Machine, workspace: Path) -> Plan:
    """The plan of `order` on `machine`, with its sources under `workspace`.

    Raises Trouble when facts are missing for it, naming them.
    """
    store = workspace / "images" / order.release.tag
    if order.choice.way == "ngc":
        base = pull_steps(order, OVERLAID, base_of(order), order.choice.why)
    else:
        base = build_steps(order, machine, store / "checkout")
    steps = (*base, *overlay_steps(order, machine, store, store / "context"), *last_steps(order))
    if order.ca:
        certificates = trust.collected(order.ca, machine.roots, store)
        steps = (*certificates, *(trust.trusting(step, store) for step in steps))
    return Plan(
        purpose=f"{order.name}: {order.choice.why}",
        release=order.release.tag,
        names={"store": str(store)},
        steps=steps,
    )


def overlay_steps(order: Order, machine: Machine, store: Path, context: Path) -> tuple[Step, ...]:
    """Puts the templates, tools, examples and the probe of exactly this release on the base."""
    sources = overlay_sources(order.release, store, context / "upstream")
    probe = Step(title="Add the probe", tool="cp", argv=("cp", str(PROBE_SCRIPT), str(context / "probe.py")))
    build = Step(
        title=f"Build the overlay {order.candidate}",
        tool=BUILD,
        argv=(
            *named_build(order.candidate, str(OVERLAY), buildkit=machine.buildkit),
            *("--build-arg", f"BASE={base_of(order)}"),
            *(word for name, value in labels(order).items() for word in ("--label", f"{name}={value}")),
            str(context),
        ),
        env={"DOCKER_BUILDKIT": "1" if machine.buildkit else "0"},
    )
    return (*sources, probe, build)


def labels(order: Order) -> dict[str, str]:
    """What the image says of itself. No path, user or credential is among it."""
    release = order.release
    return {
        "org.opencontainers.image.title": "TensorRT-LLM on Triton",
        "org.opencontainers.image.version": release.tag,
        "org.opencontainers.image.source": f"https://github.com/{release.backend.repo}",
        BACKEND: release.backend.commit,
        BASE: base_of(order),
        RELEASE: release.tag,
        WAY: order.choice.way,
        TENSORRT_LLM: release.tensorrt_llm.commit,
        MADE_BY: "overlay",
        IDENTITY: identity(order),
    }


def last_steps(order: Order) -> tuple[Step, ...]:
    """Verifies the candidate, and only then gives it its name."""
    run = ("docker", "run", "--rm", "--network=none", "--entrypoint", "python3", order.candidate, PROBE)
    return (
        Step(title="Verify what is inside", tool=VERIFY, argv=(*run, HOME), why="claimed versus observed"),
        Step(title=f"Name it {order.name}", tool="docker-tag", argv=("docker", "tag", order.candidate, order.name)),
        Step(title="Drop the working name", tool="docker-rmi", argv=("docker", "rmi", order.candidate)),
    )
