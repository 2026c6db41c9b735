"""G: the GPUs, against what is asked of them."""

from __future__ import annotations

import re

from doctor.checks.driver import devices_of
from doctor.checks.rules import family
from doctor.checks.texts import size
from doctor.facts.gpu import Gpu
from doctor.outcome import Finding, NotAsked, failed, given, known, noted, passed, warned
from doctor.subject import Subject
from environment.artifacts.engine import Engine
from environment.artifacts.tensorrt_plan import Plan

GENERATIONS = ((10, "blackwell"), (9, "hopper"), (8, "ampere"), (7, "turing"))
NAMED_GPU = re.compile(r"(?:GPU|MIG)-.+")  # a name that CUDA takes beside a number; what is neither hides all after it
LEAST_COMPUTE = {
    "bfloat16": (8, 0),
    "fp8": (8, 9),
    "int8_sq": (8, 0),
    "int4_awq": (8, 0),
    "int4_gptq": (8, 0),
    "w4a8_awq": (8, 9),
    "nvfp4": (10, 0),
}


def gpu_arch(subject: Subject) -> Finding:
    """The release was made for GPUs of this generation."""
    found = {generation(known(gpu.compute)): gpu for gpu in devices_of(subject)}
    words = {name: getattr(subject.release.gpu.architectures, name, "no") for name in found}
    values = {
        "names": sorted({str(known(gpu.name)) for gpu in found.values()}),
        "said": [f"{name}: {word}" for name, word in words.items()],
        "tag": subject.release.tag,
    }
    if any(word in {"no", "removed"} for word in words.values()):
        return failed(**values)
    return passed(**values) if all(word.startswith("supported") for word in words.values()) else warned(**values)


def dtype_arch(subject: Subject) -> Finding:
    """The GPU computes in the recipe's type and quantization."""
    wanted = [name for name in (subject.asked.dtype, subject.asked.quantization) if name]
    floors = {name: LEAST_COMPUTE[name] for name in wanted if name in LEAST_COMPUTE}
    lowest = min(known(gpu.compute) for gpu in devices_of(subject))
    short = {name: floor for name, floor in floors.items() if lowest < floor}
    values = {"compute": "{}.{}".format(*lowest), "wanted": given(wanted or None, "no-recipe")}
    if short:
        return failed(**values, short=[f"{name} >= {floor[0]}.{floor[1]}" for name, floor in short.items()])
    return passed(**values)


def gpu_count(subject: Subject) -> Finding:
    """As many GPUs as ranks."""
    asked, found = subject.asked, len(known(subject.gpus.devices))
    values = {"found": found, "needed": asked.gpus, "tp": asked.tensor_parallel, "pp": asked.pipeline_parallel}
    if found < asked.gpus:
        return failed(**values)
    strange = [number for number in asked.devices if number >= found]
    return failed("fail-named", **values, strange=strange, last=found - 1) if strange else passed(**values)


def gpu_ids(subject: Subject) -> Finding:
    """CUDA_VISIBLE_DEVICES names GPUs that are there, once each, and enough of them."""
    setting = known(subject.host.environment).get("CUDA_VISIBLE_DEVICES")
    words = [word.strip() for word in given(setting, "no-selection").split(",") if word.strip()]
    count, needed = len(given(known(subject.gpus.devices) or None, "no-gpu")), subject.asked.gpus
    numbers = [int(word) for word in words if word.isdecimal()]
    named = [word for word in words if NAMED_GPU.fullmatch(word)]
    different = {*numbers, *named}
    values = {"setting": setting, "count": count, "needed": needed}
    if len(different) < max(len(words), needed) or any(number >= count for number in numbers):
        return failed(**values)
    gap = numbers and numbers != list(range(min(numbers), min(numbers) + len(numbers)))
    return noted(**values) if gap else passed(**values)


def gpu_mixed(subject: Subject) -> Finding:
    """The GPUs that work together are alike."""
    group = _together(subject)
    computes = {known(gpu.compute) for gpu in group}
    sizes = {known(gpu.memory_total) for gpu in group}
    names = [f"{gpu.index}: {known(gpu.name)}" for gpu in group]
    if len(computes) > 1:
        kinds = ["{}.{}".format(*known(gpu.compute)) for gpu in group]
        return failed(names=[f"{name} {kind}" for name, kind in zip(names, kinds, strict=True)])
    if len(sizes) > 1:
        rooms = [size(known(gpu.memory_total)) for gpu in group]
        return warned(names=[f"{name} {room}" for name, room in zip(names, rooms, strict=True)], least=min(sizes))
    return passed(names=names)


def memory_fit(subject: Subject) -> Finding:
    """What one rank loads leaves room for its KV cache."""
    weights, asked = subject.asked.checkpoint_bytes, subject.asked
    share = _largest_rank(subject) or asked.rank_bytes or (weights and weights // max(asked.gpus, 1))
    rank = given(share, "no-weights")
    total = min(known(gpu.memory_total) for gpu in devices_of(subject))
    values = {"rank": rank, "total": total, "left": max(total - rank, 0), "gpus": asked.gpus}
    if rank * 100 >= total * 95:
        return failed(**values)
    return passed(**values) if rank * 100 < total * 80 else warned(**values)


def _largest_rank(subject: Subject) -> int | None:
    """The bytes of the named engine's largest plan; None without one."""
    engine = subject.artifacts.engine
    plans = [rank.head for rank in engine.ranks if isinstance(rank.head, Plan)] if isinstance(engine, Engine) else []
    return max((plan.file_size for plan in plans), default=None)


def memory_busy(subject: Subject) -> Finding:
    """Nobody else holds the GPUs' memory: the KV cache takes its share of what is left."""
    busy = [gpu for gpu in devices_of(subject) if known(gpu.memory_used) * 10 > known(gpu.memory_total)]
    if not busy:
        return passed()
    pids = [row.pid for gpu in busy for row in (gpu.processes if isinstance(gpu.processes, tuple) else ())]
    used = max(known(gpu.memory_used) for gpu in busy)
    return warned(gpus=[gpu.index for gpu in busy], used=used, pids=sorted(set(pids)) or ("?",))


def topology(subject: Subject) -> Finding:
    """GPUs of one tensor-parallel group talk over NVLink; over PCIe the custom all-reduce is not recommended."""
    group = _together(subject)
    links = {gpu.index: known(gpu.nvlinks) for gpu in group}
    least = min(count or 0 for count in links.values())
    return passed(links=least) if least else warned(gpus=list(links))


def generation(compute: tuple[int, int]) -> str:
    """The name of a compute capability's generation, as releases use it."""
    named = {(7, 0): "volta", (7, 2): "volta", (8, 9): "ada"}
    return named.get(compute) or next((name for floor, name in GENERATIONS if compute[0] >= floor), "older")


def _together(subject: Subject) -> tuple[Gpu, ...]:
    """The GPUs of one tensor-parallel group."""
    if subject.asked.tensor_parallel < 2:
        raise NotAsked("one-gpu")
    return devices_of(subject)[: subject.asked.gpus]


CHECKS = family(
    "G",
    {
        "G006": gpu_arch,
        "G007": dtype_arch,
        "G008": gpu_count,
        "G009": gpu_ids,
        "G010": gpu_mixed,
        "G011": memory_fit,
        "G012": memory_busy,
        "G019": topology,
    },
)
