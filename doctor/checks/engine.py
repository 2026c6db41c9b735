"""E: the engine itself, and against the ranks, the checkpoint and the repository; `loading` has who loads it."""

from __future__ import annotations

from doctor.checks.artifact import checkpoint_of, engine_of, named, number, trtllm_config
from doctor.checks.rules import family
from doctor.outcome import Finding, NotAsked, failed, given, known, passed, warned
from doctor.subject import Subject
from environment.artifacts.heads import Damaged
from environment.artifacts.tensorrt_plan import Plan

INFLIGHT = ("gpt_attention_plugin", "paged_kv_cache", "remove_input_padding")
INFLIGHT_STRATEGIES = ("", "inflight_batching", "inflight_fused_batching")


def files(subject: Subject) -> Finding:
    """Every rank has its file, and no rank has one too many."""
    found = subject.artifacts.engine
    if isinstance(found, Damaged):
        return failed("fail-damaged", reason=found.reason)
    engine = named(found, "no-engine")
    if engine.kind == "checkpoint":
        return failed("fail-checkpoint")
    mapped = engine.mapped
    values = {
        "world": mapped.world_size,
        "tp": mapped.tensor_parallel,
        "pp": mapped.pipeline_parallel,
        "missing": engine.missing,
        "extra": engine.extra,
    }
    if engine.missing:
        return failed(**values)
    return failed("fail-extra", **values) if engine.extra else passed(**values)


def truncated(subject: Subject) -> Finding:
    """Every rank's file has the bytes, the sections and the end that its own header promises."""
    engine = engine_of(subject)
    broken = [f"{rank.name}: {_fault(rank.head)}" for rank in engine.ranks if not rank.complete]
    return failed(faults=broken) if broken else passed(count=len(engine.ranks))


def world_size(subject: Subject) -> Finding:
    """As many ranks as are to be launched: world size = tensor x pipeline (x context) parallelism."""
    mapped, asked = engine_of(subject).mapped, subject.asked
    values = {
        "world": mapped.world_size,
        "built_tp": mapped.tensor_parallel,
        "built_pp": mapped.pipeline_parallel,
        "asked": asked.gpus,
        "tp": asked.tensor_parallel,
        "pp": asked.pipeline_parallel,
    }
    same = (mapped.tensor_parallel, mapped.pipeline_parallel) == (asked.tensor_parallel, asked.pipeline_parallel)
    return passed(**values) if same and mapped.world_size == asked.gpus else failed(**values)


def batch(subject: Subject) -> Finding:
    """The repository sends no larger batch than the engine was built for."""
    built = given(engine_of(subject).limits.max_batch_size, "not-in-engine")
    served = trtllm_config(subject).max_batch_size
    values = {"built": built, "served": served}
    return failed(**values) if served > built else passed(**values)


def beams(subject: Subject) -> Finding:
    """The repository allows no wider beam than the engine was built for."""
    built = given(engine_of(subject).limits.max_beam_width, "not-in-engine")
    served = given(number(trtllm_config(subject).parameter("max_beam_width")), "not-in-repository")
    values = {"built": built, "served": served}
    return failed(**values) if served > built else passed(**values)


def inflight(subject: Subject) -> Finding:
    """In-flight batching has the three features in the engine that it needs."""
    engine = engine_of(subject)
    config = trtllm_config(subject)
    strategy = config.parameter("batching_strategy") or config.parameter("gpt_model_type")
    if strategy not in INFLIGHT_STRATEGIES and "${" not in strategy:
        raise NotAsked("no-inflight")
    off = [name for name in INFLIGHT if engine.plugin(name) is False]
    if not off:
        return passed()
    return failed(off=off) if engine.version else failed("fail-old", off=off)  # trtllm-build writes its version


def kv_tokens(subject: Subject) -> Finding:
    """The KV cache and the attention window hold the longest request the engine was built for."""
    longest, config = given(engine_of(subject).longest_sequence, "not-in-engine"), trtllm_config(subject)
    names = ("max_tokens_in_paged_kv_cache", "max_attention_window_size")
    limits = {name: value for name in names if (value := number(config.parameter(name)))}
    short = {name: value for name, value in limits.items() if value < longest}
    if short:
        return warned(longest=longest, name=min(short, key=lambda name: short[name]), value=min(short.values()))
    return passed(longest=longest)


def policy(subject: Subject) -> Finding:
    """Streaming with max_utilization is not changed to guaranteed_no_evict without a word."""
    config, engine = trtllm_config(subject), engine_of(subject)
    if not config.decoupled or config.parameter("batch_scheduler_policy") != "max_utilization":
        return passed()
    if config.parameter("enable_chunked_context").lower() != "true":
        return warned()
    return passed() if engine.plugin("use_paged_context_fmha") else warned("warn-engine")


def permissions(subject: Subject) -> Finding:
    """Nobody else may write the engine: loading one is running code."""
    engine_of(subject)
    names = known(subject.artifacts.writable)
    return warned(names=names) if names else passed()


def same_model(subject: Subject) -> Finding:
    """The engine was built from this checkpoint's model: layers, heads, width, vocabulary."""
    built, said = engine_of(subject).model, checkpoint_of(subject).model
    pairs = {
        "num_hidden_layers": (built.layers, said.layers),
        "num_attention_heads": (built.heads, said.heads),
        "hidden_size": (built.hidden_size, said.hidden_size),
    }
    differing = [
        f"{name} {ours} / {theirs}" for name, (ours, theirs) in pairs.items() if ours and theirs and ours != theirs
    ]
    if built.vocabulary and said.vocabulary and built.vocabulary < said.vocabulary:  # an engine's may be padded
        differing.append(f"vocab_size {built.vocabulary} / {said.vocabulary}")
    return failed(differing=differing) if differing else passed()


def _fault(head: object) -> str:
    if isinstance(head, Plan):
        return head.fault.message if head.fault else f"{head.file_size} bytes of {head.expected_size}"
    return str(getattr(head, "reason", head))


CHECKS = family(
    "E",
    {
        "E001": files,
        "E002": truncated,
        "E006": world_size,
        "E007": batch,
        "E008": beams,
        "E009": inflight,
        "E010": kv_tokens,
        "E011": policy,
        "E012": permissions,
        "E013": same_model,
    },
)
