"""The way of releases up to v0.7: one build.py a model family, from the Hugging Face checkpoint to the engine."""

from __future__ import annotations

from environment.contracts import Contract
from environment.plan import Step
from recipes import features
from recipes.deployment import Deployment
from recipes.quantization import route
from recipes.spelling import Words, spelled
from recipes.tools import family_tool, limits, quirks, script, settable


def build(deployment: Deployment) -> tuple[Step, ...]:
    """One step. In-flight batching is always on: without it the Triton templates cannot use the engine."""
    tool, dtype = family_tool(deployment), deployment.dtype
    _, quantize = route(deployment.quantization, deployment.kv_cache_dtype, {"script": tool})
    argv = (
        *("python3", script(deployment)),
        *quirks(deployment, tool, "build"),
        *spelled(tool, *((flag, deployment.checkpoint_dir) for flag in ("--model_dir", "--hf_model_dir"))),
        *("--output_dir", f"{deployment.engine_dir}.partial"),
        *("--dtype", dtype, *_split(deployment, tool)),
        *("--use_gpt_attention_plugin", dtype, "--use_gemm_plugin", dtype),
        *spelled(tool, ("--use_inflight_batching", "--paged_kv_cache", "--remove_input_padding")),
        *quantize,
        *features.build_words(deployment.features, dtype, tool, settable(deployment)),
        *limits(deployment, tool),
    )
    title = f"Build the engine for {deployment.world_size} rank(s)"
    why = "world size is tensor times pipeline parallelism, and build.py wants all of them"
    step = Step(title=title, tool=tool.tool, where="container", argv=argv, output=deployment.engine_dir, why=why)
    return (step,)


def _split(deployment: Deployment, tool: Contract) -> Words:
    """World size and its factors; families without them know tensor parallelism only."""
    tp, pp, ranks = (str(number) for number in (deployment.tp, deployment.pp, deployment.world_size))
    whole = ("--world_size", ranks, "--tp_size", tp, "--pp_size", pp)
    return spelled(tool, whole, *((("--world_size", ranks),) if deployment.pp == 1 else ()))
