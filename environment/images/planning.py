"""The plan of an image: every command, in order. Pure; the same order gives the same plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from environment.image_layout import HOME, MADE_BY, PROBE
from environment.images.building import build_steps
from environment.images.choice import Choice
from environment.images.reference import mirrored
from environment.images.sources import overlay_sources
from environment.images.tools import BUILD, PULL, VERIFY, named_build
from environment.machine import Machine
from environment.plan import Plan, Step
from environment.releases import Release

ROOT = Path(__file__).parents[2]
OVERLAY = Path("dockerfiles/overlay.Dockerfile")  # both from the project's folder, where a plan runs
PROBE_SCRIPT = Path("environment/images/probe.py")
IDENTITY = "io.trtllm.identity"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be made. `jobs` and `architectures` override what the host suggests; `name` the tag of the result."""

    release: Release
    choice: Choice
    name: str
    registry: str = ""
    jobs: int = 0
    architectures: tuple[str, ...] = ()
    digest: str = ""  # of the base, when a lock file says which it has to be

    @property
    def candidate(self) -> str:
        """The name the image has until it is verified."""
        return f"{self.name}-unverified"


def image_name(tag: str) -> str:
    """The name of a release's image when no other is asked for."""
    return f"trtllm:{tag}"


def base_of(order: Order) -> str:
    """The image that the overlay is put on: NVIDIA's, or the one built from source."""
    if order.choice.way == "source":
        return f"trtllm-source:{order.release.tag}"
    return mirrored(order.release.ngc.recommended_image or "", order.registry)


def pulled(order: Order) -> str:
    """The base as it is pulled: by its digest when one is locked."""
    base = base_of(order)
    return f"{base.rpartition(':')[0]}@{order.digest}" if order.digest else base


def identity(order: Order) -> str:
    """What makes two images the same: release, way, base, commits, and the files the overlay is made of."""
    release = order.release
    parts = (release.tag, order.choice.way, base_of(order), release.backend.commit, release.tensorrt_llm.commit)
    digest = hashlib.sha256("\n".join(parts).encode())
    for file in (OVERLAY, PROBE_SCRIPT):
        digest.update((ROOT / file).read_bytes())
    return digest.hexdigest()


def plan(order: Order, machine: Machine, workspace: Path) -> Plan:
    """The plan of `order` on `machine`, with its sources under `workspace`.

    Raises Trouble when facts are missing for it, naming them.
    """
    store = workspace / "images" / order.release.tag
    way = base_steps(order) if order.choice.way == "ngc" else build_steps(order, machine, store / "checkout")
    context = store / "context"
    return Plan(
        purpose=f"{order.name}: {order.choice.why}",
        release=order.release.tag,
        names={"store": str(store)},
        steps=(*way, *overlay_steps(order, machine, store, context), *last_steps(order)),
    )


def base_steps(order: Order) -> tuple[Step, ...]:
    """Pulls NVIDIA's image."""
    base = pulled(order)
    pull = Step(title=f"Pull {base}", tool=PULL, argv=("docker", "pull", base), why=order.choice.why)
    name = Step(title=f"Name it {base_of(order)}", tool="docker-tag", argv=("docker", "tag", base, base_of(order)))
    return (pull, name) if order.digest else (pull,)


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
    """What the image says of itself. No host name, path, user or credential is among it."""
    release = order.release
    return {
        "org.opencontainers.image.title": "TensorRT-LLM on Triton",
        "org.opencontainers.image.version": release.tag,
        "org.opencontainers.image.source": f"https://github.com/{release.backend.repo}",
        "org.opencontainers.image.revision": release.backend.commit,
        "org.opencontainers.image.base.name": base_of(order),
        "io.trtllm.release": release.tag,
        "io.trtllm.way": order.choice.way,
        "io.trtllm.tensorrt-llm.revision": release.tensorrt_llm.commit,
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
