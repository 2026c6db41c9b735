"""What a compilation takes of a host: jobs, architectures, and how build_wheel.py is told of both. Pure."""

from __future__ import annotations

from environment.images.order import Order
from environment.machine import Machine
from environment.unknown import Unknown

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


def wheel_flags(order: Order, machine: Machine) -> str:
    """What is added to build_wheel.py's line: the number of jobs, the CUDA architectures."""
    wheel = order.release.build_wheel
    architectures = ";".join(architectures_for(order, machine))
    chosen = f'{wheel.cuda_architectures_flags[0]} "{architectures}"' if architectures else ""
    return f"{job_flag(order, machine)} {chosen}".strip()


def job_flag(order: Order, machine: Machine) -> str:
    """How build_wheel.py is told the number of jobs."""
    return f"{order.release.build_wheel.job_count_flags[0]} {order.jobs or jobs_for(machine)}"
