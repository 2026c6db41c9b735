"""What is said of plans, and of the TensorRT-LLM engine and checkpoint folders that are made of ranks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.inspection.answer import Inspection
from doctor.verdict import Target, dotted, predict
from environment.artifacts.engine import Engine
from environment.artifacts.heads import Damaged
from environment.artifacts.kinds import Artifact
from environment.artifacts.tensorrt_plan import Plan
from environment.unknown import Unknown

WORST_FIRST = ("corrupt", "not-an-engine", "version-mismatch", "device-mismatch", "unknown", "loads")


def of_plan(plan: Plan, path: str, artifact: Artifact, target: Target) -> Inspection:
    """A plan, or an Ultralytics export, whose prefix TensorRT itself refuses."""
    verdict = predict(plan, plan.file_size, target)
    notes: tuple[str, ...] = ()
    if artifact.prefix:
        notes = (f"the plan begins after {artifact.prefix} bytes, which Ultralytics strips; alone it: {verdict.state}",)
        verdict = predict(Unknown("Ultralytics' own prefix comes before the plan"), artifact.size or 0, target)
    return Inspection(
        path=path,
        kind=artifact.kind,
        complete=plan.complete,
        tensorrt=dotted(plan.tensorrt) or None,
        compute=dotted(plan.compute) or None,
        verdict=verdict,
        facts=plan_facts(plan),
        notes=notes,
    )


def plan_facts(plan: Plan) -> dict[str, object]:
    """What a plan's header says, as data. `layout` is empty where the GPU could not be read."""
    device = plan.stream.device
    return {
        "bytes": plan.file_size,
        "expected_bytes": plan.expected_size,
        "sms": device.get("sm_count"),
        "hardware_compatibility": device.get("hardware_level"),
        "serialization": plan.archive.serialization,
        "outer_version": dotted(plan.outer_version) or None,
        "layout": plan.stream.layout,
        "sections": [{"tag": part.tag, "offset": part.offset, "bytes": part.size} for part in plan.sections],
    }


def of_engine(engine: Engine, path: str, artifact: Artifact, target: Target) -> Inspection:
    """A folder of ranks: every rank there and whole; the verdict is that of its worst rank."""
    plans = [(rank, rank.head) for rank in engine.ranks if isinstance(rank.head, Plan)]
    verdicts = [(predict(plan, plan.file_size, target), rank.name) for rank, plan in plans]
    worst = min(verdicts, key=lambda pair: WORST_FIRST.index(pair[0].state), default=None)
    return Inspection(
        path=path,
        kind=artifact.kind,
        complete=engine.complete,
        tensorrt=_one(dotted(plan.tensorrt) for _, plan in plans),
        compute=_one(dotted(plan.compute) for _, plan in plans),
        verdict=worst[0] if worst else None,
        facts=engine_facts(engine),
        faults=tuple(engine_faults(engine)),
    )


def engine_faults(engine: Engine) -> Iterable[str]:
    """What is missing, too many, or not whole."""
    mapped = engine.mapped
    world = f"of {mapped.world_size} (tp {mapped.tensor_parallel} x pp {mapped.pipeline_parallel})"
    yield from (f"rank {number} {world} is missing" for number in engine.missing)
    yield from (f"{name} is one rank more than {world.removeprefix('of ')}" for name in engine.extra)
    for rank in engine.ranks:
        if isinstance(rank.head, Unknown | Damaged):
            yield f"{rank.name}: {rank.head.reason}"
        elif not rank.complete:
            yield f"{rank.name} has {rank.head.file_size} bytes, its header promises {rank.head.expected_size}"


def engine_facts(engine: Engine) -> dict[str, object]:
    """What an engine's or TensorRT-LLM checkpoint's config.json says, as data."""
    return {
        "version": engine.version or None,
        "architecture": engine.model.architecture,
        "dtype": engine.model.dtype,
        "quantization": engine.model.quantization or None,
        "kv_cache_quantization": engine.model.kv_cache_quantization or None,
        "tp": engine.mapped.tensor_parallel,
        "pp": engine.mapped.pipeline_parallel,
        "world_size": engine.mapped.world_size,
        "limits": {name: getattr(engine.limits, name) for name in engine.limits.__struct_fields__},
        "ranks": [rank.name for rank in engine.ranks],
        "missing_ranks": list(engine.missing),
    }


def _one(words: Iterable[str]) -> str | None:
    """The one word they all say; None if they say different ones, or none."""
    said = set(words)
    return (said.pop() or None) if len(said) == 1 else None
