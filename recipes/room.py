"""What each stage of a plan needs to have room: disk, memory with swap, the GPUs' memory. Seen before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environment import machine
from environment.errors import Trouble
from environment.plan import Plan, Step
from environment.unknown import Unknown
from recipes import sizes
from recipes.converted import converted_dir
from recipes.deployment import Deployment

# A tool holds the model once at least; reports of killed conversions have two to three times the weights
# (NVIDIA/TensorRT-LLM#1728, #3418; the seed document asks 1 TB of memory or swap for a model of 145 GB).
COPIES = 2


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What one step leaves on the disk, and holds in memory at the least. Bytes."""

    title: str
    output: str
    disk: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class Room:
    """What this host has: free disk in the workspace, memory, swap, and the memory of each GPU. Bytes."""

    disk: int | Unknown
    memory: int
    swap: int
    gpus: tuple[int, ...] | Unknown


def stages(deployment: Deployment, steps: tuple[Step, ...]) -> tuple[Stage, ...]:
    """The stages that need room, each once, in order: the checkpoint, the converted one, the engine."""
    weights, checkpoint = sizes.weights_bytes(deployment), sizes.checkpoint_bytes(deployment)
    converted = converted_dir(deployment)
    whole = weights if converted in {step.output for step in steps} else checkpoint
    needs = {
        deployment.checkpoint_dir: (checkpoint, 0),
        converted: (weights, checkpoint),
        deployment.engine_dir: (weights, whole),
    }
    makers = {step.output: step for step in reversed(steps) if step.output in needs and step.tool != "mkdir"}
    return tuple(
        Stage(title=makers[output].title, output=output, disk=disk, memory=memory)
        for output, (disk, memory) in needs.items()
        if output in makers
    )


def notes(deployment: Deployment, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The same in words, for who reads the plan."""
    return tuple(
        f"Room: {stage.title}: {gb(stage.disk)} of disk"
        + (f", {gb(stage.memory * COPIES)} of memory with swap" if stage.memory else "")
        for stage in stages(deployment, steps)
    )


def here(folder: Path) -> Room:
    """The room of this host; `folder` is the workspace."""
    memory, swap = machine.memory()
    return Room(disk=machine.free_space(folder), memory=memory, swap=swap, gpus=machine.gpu_memory())


def gb(size: int) -> str:
    """`15.2 GB`."""
    return f"{size / 1e9:.1f} GB"


def require(deployment: Deployment, plan: Plan, done: set[int], room: Room) -> tuple[str, ...]:
    """What may go wrong for want of room, one line each; raises Trouble for what certainly will.

    `done` are the numbers of the steps that will be skipped.
    """
    due = tuple(step for number, step in enumerate(plan.steps, 1) if number not in done)
    made = {step.output for step in due}
    needed = tuple(stage for stage in stages(deployment, plan.steps) if stage.output in made)
    refuse_disk(needed, room, str(deployment.workspace.root))
    for stage in needed:
        refuse_memory(stage, room)
    return (*tight(needed, room), *small_gpus(deployment, due, room))


def refuse_disk(needed: tuple[Stage, ...], room: Room, workspace: str) -> None:
    """Raises Trouble when what is still to be made does not fit the workspace's disk: all of it lies there at once."""
    total = sum(stage.disk for stage in needed)
    if isinstance(room.disk, int) and room.disk < total:
        raise Trouble(
            f"the workspace has {gb(room.disk)} of free disk, this needs {gb(total)}",
            where=workspace,
            why="; ".join(f"{stage.title}: {gb(stage.disk)}" for stage in needed),
            mend="invoke engines --prune   shows what could go; TRTLLM_WORKSPACE=/other/disk   moves it",
        )


def refuse_memory(stage: Stage, room: Room) -> None:
    """Raises Trouble when memory and swap together do not hold the weights once."""
    there = room.memory + room.swap
    if there < stage.memory:
        raise Trouble(
            f"{stage.title}: the weights are {gb(stage.memory)}, this host has {gb(room.memory)} of memory"
            f" and {gb(room.swap)} of swap",
            why="the tool holds the model whole; the kernel would kill it",
            mend=_swap(stage.memory * COPIES - there),
        )


def _swap(short: int) -> str:
    size = f"{-(-short // 10**9)}GB"
    return f"add swap: fallocate -l {size} /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile"


def tight(needed: tuple[Stage, ...], room: Room) -> Iterator[str]:
    """A line for each stage whose memory is known to have been too little elsewhere."""
    there = room.memory + room.swap
    for stage in needed:
        if there < stage.memory * COPIES:
            short = f"takes {gb(stage.memory * COPIES)} of memory with swap at times, this host has {gb(there)}"
            yield f"{stage.title}: it {short}. If it is killed, {_swap(stage.memory * COPIES - there)}"


def small_gpus(deployment: Deployment, due: tuple[Step, ...], room: Room) -> Iterator[str]:
    """A line for GPUs that calibrate a model larger than they are, and for a full batch that will not fit at once."""
    if isinstance(room.gpus, Unknown):
        return
    weights = sizes.checkpoint_bytes(deployment)
    there = sum(room.gpus[gpu] for gpu in deployment.gpus.converting if gpu < len(room.gpus))
    if any(step.tool == "quantize" for step in due) and there < weights:
        yield (
            f"calibration runs the 16-bit model of {gb(weights)}, its GPU(s) have {gb(there)} together: "
            "it will be slow or fail. Give it more of them: --convert-gpus 0,1,2,3"
        )
    serving = [room.gpus[gpu] for gpu in deployment.gpus.serving if gpu < len(room.gpus)]
    share = sizes.weights_bytes(deployment) // deployment.world_size
    cache, batch = sizes.kv_cache_bytes(deployment), deployment.max_batch_size
    if serving and share < min(serving) < share + cache:
        fits = max((min(serving) - share) * batch // cache, 1)
        left = f"{gb(min(serving) - share)} is left beside the weights"
        yield (
            f"the KV cache of {batch} longest requests takes {gb(cache)} on each GPU, {left}: "
            f"fewer run at once. --max-batch-size {fits} fits"
        )
