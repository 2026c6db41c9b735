"""The tools of a release that build an engine: where each lies in the image, and its contract."""

from __future__ import annotations

from pathlib import PurePosixPath

from environment.contracts import Contract, contract, placeholders
from environment.image_layout import upstream
from environment.releases.runtime import Family
from recipes.deployment import Deployment
from recipes.spelling import NotInRelease, Words, spelled

QUANTIZE = "quantization/quantize.py"


def example(deployment: Deployment, path: str) -> str:
    """The path in the image of a file of TensorRT-LLM's examples, such as `run.py`."""
    return upstream(f"{deployment.release.paths.examples_root}/{path}")


def family(deployment: Deployment, name: str = "") -> Family:
    """The model family of the recipe (or of that name) in the release; raises NotInRelease when it is not there."""
    release, name = deployment.release, name or deployment.recipe.family
    found = release.model_families.get(name)
    if found is None or not found.path or not found.script:
        raise NotInRelease(f"{release.tag} has no examples for the model family {name}")
    return found


def folder(deployment: Deployment, name: str = "") -> str:
    """The folder in the image of a model family's scripts."""
    path = family(deployment, name).path or ""
    return upstream(f"{deployment.release.paths.examples_root.removesuffix('examples')}{path}")


def script(deployment: Deployment) -> str:
    """The path in the image of the family's own script: build.py or convert_checkpoint.py."""
    return f"{folder(deployment)}/{family(deployment).script}"


def family_tool(deployment: Deployment) -> Contract:
    """The contract of the family's own script."""
    stem = PurePosixPath(family(deployment).script or "").stem
    return contract(deployment.release.tag, f"{stem}-{deployment.recipe.family}")


def quirks(deployment: Deployment, tool: Contract, stem: str) -> Words:
    """The words that this model needs of a tool, as the release's parser knows them."""
    fields = {"dtype": deployment.dtype, "prompt_table": str(deployment.prompt_table)}
    due = [quirk for quirk in deployment.recipe.quirks if quirk.tool == stem]
    filled = [[tuple(word.format_map(fields) for word in words) for words in quirk.spellings] for quirk in due]
    return tuple(word for spellings in filled for word in spelled(tool, *spellings))


def limits(deployment: Deployment, tool: Contract) -> Words:
    """Batch and lengths, always said: the parsers' own defaults are 1 and 1024 in some releases, 2048 in others."""
    return (
        *("--max_batch_size", str(deployment.max_batch_size), "--max_beam_width", "1"),
        *("--max_input_len", str(deployment.max_input_len)),
        *spelled(
            tool,
            ("--max_seq_len", str(deployment.max_seq_len)),
            ("--max_output_len", str(deployment.max_output_len)),
        ),
        *_tokens(deployment, tool),
    )


def _tokens(deployment: Deployment, tool: Contract) -> Words:
    """Room for the longest prompt in one iteration, where the parser's own default has less: it could not be asked.

    From v0.11.0 the default is 8192 whatever the input length (NVIDIA/TensorRT-LLM@v0.11.0:tensorrt_llm/builder.py).
    """
    option = tool.option("--max_num_tokens")
    default = option.default if option else None
    if "max-num-tokens" in deployment.features or not isinstance(default, int) or default >= deployment.max_input_len:
        return ()
    return ("--max_num_tokens", str(deployment.max_input_len))


def settable(deployment: Deployment) -> set[str]:
    """The placeholders of the release's templates: what can be set in the server instead."""
    return {each.name for model in placeholders(deployment.release.tag).values() for each in model}
