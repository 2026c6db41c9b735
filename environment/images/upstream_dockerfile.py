"""Builds with upstream's Dockerfile, as tensorrtllm_backend has it up to v0.19. Pure."""

from __future__ import annotations

from pathlib import Path

from environment.errors import Trouble
from environment.images import trust
from environment.images.arguments import build_arguments, common_words
from environment.images.compilation import estimate, jobs_for, wheel_flags
from environment.images.order import Order, source_name
from environment.images.tools import BUILD, named_build
from environment.machine import Machine
from environment.plan import Step
from environment.releases import Release


def dockerfile_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """Builds upstream's Dockerfile, with the number of jobs written into a copy of it (it has no argument for them)."""
    build = order.release.source_build
    if not build.base_image:
        raise missing(order.release, "source_build.base_image")
    buildkit = machine.buildkit or build.uses_run_mount or bool(order.ca)
    original, copy = str(place / build.dockerfile), str(place.with_name("Dockerfile"))
    line = f"{build.build_wheel_line} {wheel_flags(order, machine)}"
    return (
        Step(title="Copy the Dockerfile", tool="cp", argv=("cp", original, copy)),
        Step(
            title="Set the number of jobs and the architectures",
            tool="sed",
            argv=("sed", "-i", "-e", f"s|{basic_regex(build.build_wheel_line)}|{replacement(line)}|", copy),
            why=estimate(machine, order.jobs or jobs_for(machine)),
        ),
        Step(title="Check that they are set", tool="grep", argv=("grep", "--fixed-strings", "--quiet", line, copy)),
        *((trust.edit(copy),) if order.ca else ()),
        Step(
            title=f"Build {source_name(order.release.tag)}",
            tool=BUILD,
            argv=(
                *named_build(source_name(order.release.tag), copy, buildkit=buildkit),
                *(w for name, value in build_arguments(order).items() for w in ("--build-arg", f"{name}={value}")),
                *common_words(order, machine, place.parent),
                str(place / build.context),
            ),
            env={"DOCKER_BUILDKIT": "1" if buildkit else "0"},
        ),
    )


def missing(release: Release, *facts: str) -> Trouble:
    """The error for a plan that cannot be made because nobody established a fact it needs."""
    return Trouble(
        f"{release.tag} cannot be built from source: {', '.join(facts)} is not established",
        where=f"environment/releases/{release.tag}.toml",
        mend=f"invoke image --tag {release.tag} --from ngc",
    )


def basic_regex(text: str) -> str:
    """The text as a POSIX basic regular expression, for a sed command whose delimiter is |."""
    return "".join(f"\\{letter}" if letter in r"\.*[]^$|" else letter for letter in text)


def replacement(text: str) -> str:
    """The text as the replacement of such a sed command."""
    return "".join(f"\\{letter}" if letter in r"\&|" else letter for letter in text)
