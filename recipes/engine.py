"""From a Hugging Face checkpoint to a TensorRT engine: the steps, spelled as the release's own parsers know them."""

from __future__ import annotations

from environment.contracts import Contract, contract
from environment.errors import Trouble
from environment.image_layout import upstream
from environment.plan import Step
from recipes.deployment import Deployment

Words = tuple[str, ...]


def spelled(tool: Contract, *alternatives: Words) -> Words:
    """The first of the spellings whose flags the release's parser knows; raises Trouble when it knows none."""
    known = {flag for option in tool.options for flag in option.flags}
    for words in alternatives:
        if known.issuperset(word for word in words if word.startswith("--")):
            return words
    flags = " nor ".join(words[0] for words in alternatives)
    raise Trouble(f"{tool.tool} of {tool.release} knows neither {flags}", why="the recipe cannot be built with it")


def download(deployment: Deployment) -> tuple[Step, ...]:
    """Fetches the checkpoint at its pinned revision; nothing when the user brought one."""
    if deployment.model_dir:
        return ()
    source, target = deployment.recipe.checkpoint, deployment.checkpoint_dir
    fetch: Words = (
        ".venv/bin/hf",
        "download",
        source.hub,
        "--revision",
        source.revision,
        "--local-dir",
        f"{target}.partial",
    )
    return (
        Step(title=f"Download {source.hub}", tool="hf", argv=fetch, output=target, why="resumes where it was cut off"),
        publish("checkpoint", target),
    )


def build(deployment: Deployment) -> tuple[Step, ...]:
    """Converts the checkpoint and builds the engine, beside its final place; the last step moves it there whole."""
    return (convert(deployment), compile_engine(deployment), publish("engine", deployment.engine_dir))


def convert(deployment: Deployment) -> Step:
    """The TensorRT-LLM checkpoint: this is where the weights are split over tp x pp ranks."""
    family = deployment.release.model_families[deployment.recipe.family]
    tool = contract(deployment.release.tag, f"convert_checkpoint-{deployment.recipe.family}")
    script = f"{deployment.release.paths.examples_root.removesuffix('examples')}{family.path}/{family.script}"
    return Step(
        title=f"Convert the checkpoint to {deployment.world_size} rank(s)",
        tool=tool.tool,
        where="container",
        argv=(
            *("python3", upstream(script)),
            *("--model_dir", deployment.checkpoint_dir),
            *("--output_dir", converted_dir(deployment)),
            *("--dtype", deployment.dtype),
            *spelled(tool, ("--tp_size", str(deployment.tp), "--pp_size", str(deployment.pp))),
            *spelled(tool, ("--workers", str(deployment.world_size)), ()),
        ),
        output=deployment.engine_dir,
        why="tensor parallelism is decided here, never in trtllm-build",
    )


def compile_engine(deployment: Deployment) -> Step:
    """The TensorRT engine. Batch and lengths are always said: the parser's own defaults are 1 and 1024."""
    tool = contract(deployment.release.tag, "trtllm-build")
    return Step(
        title="Build the engine",
        tool=tool.tool,
        where="container",
        argv=(
            *("trtllm-build", "--checkpoint_dir", converted_dir(deployment)),
            *("--output_dir", f"{deployment.engine_dir}.partial"),
            *("--gemm_plugin", deployment.dtype, "--gpt_attention_plugin", deployment.dtype),
            *spelled(tool, ("--paged_kv_cache", "enable"), ("--kv_cache_type", "paged")),
            *("--remove_input_padding", "enable"),
            *("--max_batch_size", str(deployment.max_batch_size), "--max_beam_width", "1"),
            *("--max_input_len", str(deployment.max_input_len)),
            *spelled(
                tool,
                ("--max_seq_len", str(deployment.max_seq_len)),
                ("--max_output_len", str(deployment.max_output_len)),
            ),
            *("--workers", str(deployment.world_size)),
        ),
        output=deployment.engine_dir,
        why="no --tp_size: the split in the converted checkpoint counts",
    )


def converted_dir(deployment: Deployment) -> str:
    """The TensorRT-LLM checkpoint that the engine is built from."""
    return str(deployment.workspace.checkpoints / f"{deployment.engine_name}-converted")


def publish(what: str, target: str) -> Step:
    """Moves what is finished to its final name: half of it never has that name."""
    return Step(title=f"Publish the {what}", tool="mv", argv=("mv", f"{target}.partial", target), output=target)
