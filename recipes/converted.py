"""The way from v0.8 on: a TensorRT-LLM checkpoint first (converted, or quantized), then `trtllm-build`."""

from __future__ import annotations

from environment.contracts import Contract, contract
from environment.errors import Trouble
from environment.plan import Step
from recipes import download, features, quantization
from recipes.deployment import Deployment
from recipes.gpus import devices
from recipes.quantization import Route
from recipes.spelling import Words, spelled
from recipes.tools import QUANTIZE, example, family_tool, limits, quirks, script, settable

CONVERTED = "-converted"  # how the folder ends that an engine is built from
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def build(deployment: Deployment) -> tuple[Step, ...]:
    """Checkpoint, then engine. Which tool makes the checkpoint is the quantization's to say."""
    tools = {"script": family_tool(deployment), **_quantizer(deployment)}
    way, words = quantization.route(deployment.quantization, deployment.kv_cache_dtype, tools)
    make = {"script": convert, "quantize": quantize}[way.tool]
    data = download.calibration(deployment) if _calibrated(deployment, way) else ()
    finished = download.publish("converted checkpoint", converted_dir(deployment), needed_for=deployment.engine_dir)
    return (*data, make(deployment, tools[way.tool], words), finished, compile_engine(deployment))


def _quantizer(deployment: Deployment) -> dict[str, Contract]:
    try:
        return {"quantize": contract(deployment.release.tag, "quantize")}
    except Trouble:
        return {}


def _calibrated(deployment: Deployment, way: Route) -> bool:
    """A script calibrates for an INT8 KV cache only."""
    return way.calibrated or bool(deployment.kv_cache_dtype)


def convert(deployment: Deployment, tool: Contract, words: Words) -> Step:
    """The TensorRT-LLM checkpoint: this is where the weights are split over tp x pp ranks."""
    argv = (
        *("python3", script(deployment)),
        *("--model_dir", deployment.checkpoint_dir),
        *("--output_dir", f"{converted_dir(deployment)}.partial"),
        *("--dtype", deployment.dtype),
        *_split(deployment),
        *spelled(tool, ("--workers", str(deployment.world_size)), ()),
        *quirks(deployment, tool, "convert_checkpoint"),
        *words,
    )
    title = f"Convert the checkpoint to {deployment.world_size} rank(s)"
    return _checkpoint(deployment, title, tool, argv, calibrated=bool(deployment.kv_cache_dtype))


def quantize(deployment: Deployment, tool: Contract, words: Words) -> Step:
    """As `convert`, by the quantization toolkit, which runs the model over the calibration data."""
    argv = (
        *("python3", example(deployment, QUANTIZE)),
        *("--model_dir", deployment.checkpoint_dir),
        *("--output_dir", f"{converted_dir(deployment)}.partial"),
        *("--dtype", deployment.dtype),
        *_split(deployment),
        *words,
        *("--calib_size", str(quantization.table().calibration.size)),
    )
    title = f"Quantize the checkpoint for {deployment.world_size} rank(s): {deployment.quantization}"
    return _checkpoint(deployment, title, tool, argv, calibrated=True)


def _checkpoint(deployment: Deployment, title: str, tool: Contract, argv: Words, *, calibrated: bool) -> Step:
    """A step that makes the converted checkpoint. Old tools have no flag for the data set and load it from beside."""
    named = spelled(tool, ("--calib_dataset", deployment.calibration_dir), ())
    beside = ("env", "-C", quantization.table().calibration.beside(deployment.calibration_dir, tool.tool))
    return Step(
        title=title,
        tool=tool.tool,
        where="container",
        argv=((*argv, *named) if named else (*beside, *argv)) if calibrated else argv,
        env=OFFLINE if calibrated else {},
        output=converted_dir(deployment),
        needed_for=deployment.engine_dir,
        why="tensor parallelism is decided here, never in trtllm-build",
        gpus=converting(deployment),
    )


def _split(deployment: Deployment) -> Words:
    return ("--tp_size", str(deployment.tp), "--pp_size", str(deployment.pp))


def compile_engine(deployment: Deployment) -> Step:
    """The TensorRT engine."""
    tool, dtype = contract(deployment.release.tag, "trtllm-build"), deployment.dtype
    typed = spelled(tool, ("--strongly_typed",), ()) if deployment.quantization else ()
    argv = (
        *("trtllm-build", "--checkpoint_dir", converted_dir(deployment)),
        *("--output_dir", f"{deployment.engine_dir}.partial"),
        *("--gemm_plugin", dtype, "--gpt_attention_plugin", dtype, *typed),
        *spelled(tool, ("--paged_kv_cache", "enable"), ("--kv_cache_type", "paged")),
        *("--remove_input_padding", "enable"),
        *features.build_words(deployment.features, dtype, tool, settable(deployment)),
        *quirks(deployment, tool, "trtllm-build"),
        *limits(deployment, tool),
        *("--workers", str(deployment.world_size)),
    )
    why = "no --tp_size: the split in the converted checkpoint counts"
    out = deployment.engine_dir
    return Step(title="Build the engine", tool=tool.tool, where="container", argv=argv, output=out, why=why)


def converting(deployment: Deployment) -> str:
    """The GPUs that convert and calibrate, where they are others than those that serve."""
    gpus = deployment.gpus
    return devices(gpus.converting) if gpus.converting != gpus.serving else ""


def converted_dir(deployment: Deployment) -> str:
    """The TensorRT-LLM checkpoint that the engine is built from."""
    return str(deployment.workspace.checkpoints / f"{deployment.engine_name}{CONVERTED}")
