"""Builds with TensorRT-LLM's own Makefile, where Triton's backend has lived since v0.20. Pure.

Read at two ends of that time: docker/Makefile of deepinfra/TensorRT-LLM@9f4e3702 (on base 25.03) and of
NVIDIA/TensorRT-LLM@01e246a1 (2026). What is used here is in both.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from environment.images import trust
from environment.images.arguments import build_arguments, common_words
from environment.images.compilation import architectures_for, estimate, job_flag, jobs_for
from environment.images.order import Order, bases, source_name
from environment.images.tools import BUILD
from environment.machine import Machine
from environment.plan import Step


def make_steps(order: Order, machine: Machine, place: Path) -> tuple[Step, ...]:
    """The steps from a checkout in `place` to `trtllm-source:TAG`.

    Where the base is known, it is on this host by then: the Makefile's own --pull and its target `base_pull`, which
    nobody watches, are left out.
    """
    build = order.release.source_build
    words = shlex.split(build.command)
    folder, targets = place / words[words.index("-C") + 1], words[words.index("-C") + 2 :]
    here = "BASE_IMAGE" in bases(order)
    return (
        *((trust.edit(str(place / build.dockerfile)),) if order.ca else ()),
        Step(
            title=f"Build {source_name(order.release.tag)}",
            tool=BUILD,
            argv=(
                *("make", "-C", str(folder), *(("-o", "base_pull") if here else ()), *targets),
                *(f"{name}={value}" for name, value in variables(order, machine, place, here=here).items() if value),
            ),
            env={"DOCKER_BUILDKIT": "1"},
            why=estimate(machine, order.jobs or jobs_for(machine)),
        ),
    )


def variables(order: Order, machine: Machine, place: Path, *, here: bool) -> dict[str, str]:
    """What the Makefile is told; `here`: the base need not be pulled.

    The release's arguments are said twice: by variables, because what the Makefile reads out of the Dockerfile comes
    after DOCKER_BUILD_ARGS and wins; and by DOCKER_BUILD_ARGS, because in 2025 it had no variable for Triton's image.
    """
    arguments = build_arguments(order)
    handed = (f"--build-arg={name}={value}" for name, value in arguments.items())
    return {
        "IMAGE_WITH_TAG": source_name(order.release.tag),
        **arguments,
        "CUDA_ARCHS": ";".join(architectures_for(order, machine)),
        "BUILD_WHEEL_OPTS": job_flag(order, machine),
        "DOCKER_BUILD_OPTS": "--load" if here else "--pull --load",
        "DOCKER_BUILD_ARGS": shlex.join((*handed, *common_words(order, machine, place.parent))).replace("$", "$$"),
    }
