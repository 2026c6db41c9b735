"""The vision tower of a model that sees: from the checkpoint over ONNX to a TensorRT engine, and the local test."""

from __future__ import annotations

from environment.contracts import contract
from environment.plan import Step
from recipes.deployment import Deployment
from recipes.spelling import spelled
from recipes.tools import family, folder

# Where run.py of the releases before v0.13 looks below --vit_engine_dir; the others are told the file.
PLAN = "visual_encoder/visual_encoder_fp16.plan"
IMAGE_TENSOR = "image.pt"


def build(deployment: Deployment) -> tuple[Step, ...]:
    """The vision engine, in the language engine's own folder; nothing for a model that reads text only."""
    seen = deployment.recipe.vision
    if seen is None:
        return ()
    scripts, target = folder(deployment, seen.family), f"{deployment.engine_dir}.partial/vision"
    onnx = str(deployment.workspace.checkpoints / f"{deployment.engine_name}-onnx")
    script = family(deployment, seen.family).script or ""
    tool = contract(deployment.release.tag, f"{seen.family}-{script.removesuffix('.py')}")
    argv = (
        *("env", "-C", target, "python3", f"{scripts}/{script}"),
        *("--pretrained_model_path", deployment.checkpoint_dir),
        *("--onnxFile", f"{onnx}/visual_encoder.onnx", "--planFile", f"{target}/{PLAN}"),
        *("--maxBS", str(min(deployment.max_batch_size, 4)), "--image_url", f"{scripts}/{seen.image}"),
    )
    made = ("mkdir", "-p", target)
    out, why = deployment.engine_dir, f"{IMAGE_TENSOR}, the test picture as a tensor, is left where the script runs"
    return (
        Step(title="Make the vision engine's folder", tool="mkdir", argv=made, output=out),
        Step(title="Build the vision engine", tool=tool.tool, where="container", argv=argv, output=out, why=why),
    )


def ask(
    deployment: Deployment, question: str = "", max_tokens: int = 0, *, streaming: bool = False
) -> tuple[Step, ...]:
    """Asks about the test picture, with both engines, without a server: the smoke question and what the script says
    of the answer's length, unless said. Raises NotInRelease for `streaming` where the script knows none.
    """
    seen = deployment.recipe.vision
    if seen is None:
        return ()
    scripts, made = folder(deployment, seen.family), f"{deployment.engine_dir}/vision"
    tool = contract(deployment.release.tag, f"{seen.family}-run")
    image = f"{scripts}/{seen.image}"
    argv = (
        *("env", "-C", made, "python3", f"{scripts}/run.py"),
        *("--tokenizer_dir", deployment.checkpoint_dir, "--qwen_engine_dir", deployment.engine_dir),
        *spelled(
            tool,
            ("--vit_engine_dir", made, "--input_dir", f'{{"image": "{made}/{IMAGE_TENSOR}"}}'),
            ("--vit_engine_path", f"{made}/{PLAN}"),
        ),
        *("--images_path", f'{{"image": "{image}"}}', "--input_text", question or deployment.recipe.question.text),
        *(spelled(tool, ("--max_new_tokens", str(max_tokens))) if max_tokens else ()),
        *(spelled(tool, ("--streaming",)) if streaming else ()),
    )
    why = f"expected in the answer: {deployment.recipe.question.expected}"
    return (Step(title="Ask about the test picture", tool=tool.tool, where="container", argv=argv, why=why),)
