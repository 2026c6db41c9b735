"""The steps of a build from source. Pure."""

from __future__ import annotations

from pathlib import Path

from environment.images.order import Order, bases, exact
from environment.images.sources import checkout
from environment.images.tools import PULL
from environment.images.upstream_dockerfile import dockerfile_steps
from environment.images.upstream_makefile import make_steps
from environment.machine import Machine
from environment.plan import Step


def build_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """The steps from nothing to `trtllm-source:TAG`; raises Trouble naming what is missing for them."""
    method = {"dockerfile": dockerfile_steps, "make_tritonrelease": make_steps}[order.release.source_build.method]
    pulls = (step for name, reference in bases(order).items() for step in pull_steps(order, name, reference))
    return (*checkout(order.release, place), *pulls, *method(order, machine, place))


def pull_steps(order: Order, name: str, reference: str, why: str = "") -> tuple[Step, ...]:
    """Pulls an image; by its digest, and then under its name, when one is locked."""
    digest = order.digests.get(name, "")
    wanted = exact(reference, digest)
    pull = Step(title=f"Pull {wanted}", tool=PULL, argv=("docker", "pull", wanted), why=why)
    named = Step(title=f"Name it {reference}", tool="docker-tag", argv=("docker", "tag", wanted, reference))
    return (pull, named) if digest else (pull,)
