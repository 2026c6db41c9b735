"""The steps of a build from source: what upstream's Dockerfile or Makefile is told, so that this host survives it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from environment.errors import Trouble
from environment.images.reference import mirrored
from environment.images.sources import checkout
from environment.images.tools import BUILD, PULL, named_build
from environment.machine import Machine
from environment.plan import Step
from environment.releases import Release
from environment.unknown import Unknown

if TYPE_CHECKING:
    from environment.images.planning import Order

JOB = 2_000_000_000  # bytes of memory and swap per compile job; 24 jobs need more than 30 GB (TensorRT-LLM#1028)
LINKING = 30_000_000_000  # bytes that the link step needs at its peak (TensorRT-LLM#1028)


def jobs_for(machine: Machine) -> int:
    """How many compile jobs this host's memory and processors bear."""
    return max(1, min(machine.processors, (machine.memory + machine.swap) // JOB))


def estimate(machine: Machine, jobs: int) -> str:
    """What the compilation will need of this host, in words."""
    there = machine.memory + machine.swap
    need = jobs * JOB
    words = f"{jobs} jobs need about {need / 1e9:.0f} GB of memory and swap; this host has {there / 1e9:.0f} GB"
    return f"{words}, and linking needs more than 30 GB: add swap" if there < LINKING else words


def architectures_for(order: Order, machine: Machine) -> tuple[str, ...]:
    """The asked-for architectures, else this host's GPUs', else those the release builds by default."""
    if order.architectures:
        return order.architectures
    if isinstance(machine.architectures, Unknown):
        return order.release.gpu.default_cuda_architectures or ()
    return machine.architectures


def build_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """The steps from nothing to `trtllm-source:TAG`; raises Trouble naming the facts that are missing."""
    steps = {"dockerfile": dockerfile_steps, "make_tritonrelease": make_steps}[order.release.source_build.method]
    return (*checkout(order.release, place), *steps(order, machine, place))


def flags(order: Order, machine: Machine) -> str:
    """What is added to build_wheel.py's line: the number of jobs, the CUDA architectures."""
    wheel = order.release.build_wheel
    architectures = ";".join(architectures_for(order, machine))
    chosen = f'{wheel.cuda_architectures_flags[0]} "{architectures}"' if architectures else ""
    return f"{wheel.job_count_flags[0]} {order.jobs or jobs_for(machine)} {chosen}".strip()


def dockerfile_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """Builds upstream's Dockerfile, with the number of jobs written into a copy of it (it has no argument for them)."""
    build, registry = order.release.source_build, order.registry
    if not build.base_image:
        raise missing(order.release, "source_build.base_image")
    base = mirrored(build.base_image, registry)
    original, copy = str(place / build.dockerfile), str(place.with_name("Dockerfile"))
    line = f"{build.build_wheel_line} {flags(order, machine)}"
    buildkit = machine.buildkit or build.uses_run_mount
    arguments = {name: mirrored(value, registry) for name, value in build.build_args.items()}
    return (
        Step(title=f"Pull {base}", tool=PULL, argv=("docker", "pull", base)),
        Step(title="Copy the Dockerfile", tool="cp", argv=("cp", original, copy)),
        Step(
            title="Set the number of jobs and the architectures",
            tool="sed",
            argv=("sed", "-i", "-e", f"s|{basic_regex(build.build_wheel_line)}|{replacement(line)}|", copy),
            why=estimate(machine, order.jobs or jobs_for(machine)),
        ),
        Step(title="Check that they are set", tool="grep", argv=("grep", "--fixed-strings", "--quiet", line, copy)),
        Step(
            title=f"Build trtllm-source:{order.release.tag}",
            tool=BUILD,
            argv=(
                *named_build(f"trtllm-source:{order.release.tag}", copy, buildkit=buildkit),
                *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")),
                *(word for name in machine.proxies for word in ("--build-arg", name)),  # docker takes the values itself
                str(place / build.context),
            ),
            env={"DOCKER_BUILDKIT": "1" if buildkit else "0"},
        ),
    )


def make_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """Builds with TensorRT-LLM's own Makefile, which takes architectures and wheel arguments as variables."""
    release = order.release
    usual = release.trtllm_image.build_wheel_args
    jobs = f"{release.build_wheel.job_count_flags[0]} {order.jobs or jobs_for(machine)}"
    variables = {
        "CUDA_ARCHS": ";".join(architectures_for(order, machine)),
        "BUILD_WHEEL_ARGS": f"{usual} {jobs}" if usual else "",
        "IMAGE_NAME": "trtllm-source",
        "IMAGE_TAG": release.tag,
        **{name: mirrored(value, order.registry) for name, value in release.source_build.build_args.items()},
    }
    words = shlex.split(release.source_build.command)
    where = words.index("-C") + 1
    words[where] = str(place / words[where])
    settings = tuple(f"{name}={value}" for name, value in variables.items() if value)
    title = f"Build trtllm-source:{release.tag}"
    return (Step(title=title, tool=BUILD, argv=(*words, *settings), env={"DOCKER_BUILDKIT": "1"}),)


def missing(release: Release, *facts: str) -> Trouble:
    """The error for a plan that cannot be made because nobody established a fact it needs."""
    return Trouble(
        f"{release.tag} cannot be built from source: {', '.join(facts)} is not established",
        where=f"releases/{release.tag}.toml",
        mend=f"invoke image --tag {release.tag} --from ngc",
    )


def basic_regex(text: str) -> str:
    """The text as a POSIX basic regular expression, for a sed command whose delimiter is |."""
    return "".join(f"\\{letter}" if letter in r"\.*[]^$|" else letter for letter in text)


def replacement(text: str) -> str:
    """The text as the replacement of such a sed command."""
    return "".join(f"\\{letter}" if letter in r"\&|" else letter for letter in text)
