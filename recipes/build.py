"""The plan of `build`: from nothing to a verified engine. Pure: it needs no Docker, GPU, network or model."""

from __future__ import annotations

from dataclasses import asdict

from environment.plan import Plan, Step
from recipes import converted, download, engine, launch, room, vision
from recipes.deployment import Deployment, Ports
from recipes.quantization import NONE
from recipes.verification import verified


def plan(deployment: Deployment, user: str) -> Plan:
    """Every step of `invoke build`; `user` is the uid:gid that owns what the containers write.

    Raises NotInRelease for what the release cannot do.
    """
    planned = (*steps(deployment), *vision.ask(deployment))
    return verified(
        Plan(
            purpose=f"Build {deployment.recipe.title} {words(deployment)}",
            release=deployment.release.tag,
            recipe=deployment.recipe_name,
            in_image=launch.in_image(deployment, user),
            names=names(deployment, planned),
            steps=planned,
            notes=room.notes(deployment, planned),
        )
    )


def words(deployment: Deployment) -> str:
    """With what, and split how, in words."""
    split = f"on {deployment.world_size} GPU(s): tp {deployment.tp} x pp {deployment.pp}"
    stored = " with a KV cache in ".join(filter(None, (deployment.quantization or None, deployment.kv_cache_dtype)))
    return f"with TensorRT-LLM {deployment.release.tag} {split}{f', {stored}' if stored else ''}"


def steps(deployment: Deployment, *, serves: bool = False) -> tuple[Step, ...]:
    """Preflight (of a server, too, when the plan `serves`), image, checkpoint, engine."""
    return (
        preflight(deployment, serves=serves),
        image(deployment),
        folders(deployment),
        *download.checkpoint(deployment),
        *engine.build(deployment),
    )


def names(deployment: Deployment, planned: tuple[Step, ...], **more: str) -> dict[str, str]:
    """The paths worth a shell variable: those that the steps speak of."""
    known = {
        "workspace": str(deployment.workspace.root),
        "checkpoint": deployment.checkpoint_dir,
        "calibration": deployment.calibration_dir,
        "converted": converted.converted_dir(deployment),
        "engine": deployment.engine_dir,
        **more,
    }
    said = " ".join(word for step in planned for word in step.argv)
    return {name: path for name, path in known.items() if path in said}


def preflight(deployment: Deployment, *, serves: bool = False) -> Step:
    """Everything that can be known to fail before hours are spent; what only builds needs no ports."""
    recipe, quant = _recipe(deployment)
    words = ("--tag", deployment.release.tag, *recipe)
    split = ("--tp", str(deployment.tp), "--pp", str(deployment.pp))
    gpus = ("--gpus", deployment.gpus.listed) if deployment.gpus.chosen else ()
    needed = _ports(deployment) if serves else ("--build",)
    argv = ("./inv", "doctor", "--quiet", *words, *split, *quant, *gpus, *needed)
    return Step(title="Preflight", tool="invoke", argv=argv, explains=True)


def _recipe(deployment: Deployment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The recipe and its quantization, for the doctor; neither of the user's own checkpoint: its shape is another."""
    if deployment.model_dir:
        return (), ()
    own, asked = deployment.recipe.quantization or NONE, deployment.quantization or NONE
    return ("--recipe", deployment.said), ("--quant", asked) if asked != own else ()


def _ports(deployment: Deployment) -> tuple[str, ...]:
    """The ports that are not the usual ones."""
    usual = asdict(Ports())
    others = {name: port for name, port in asdict(deployment.ports).items() if port != usual[name]}
    return tuple(word for name, port in others.items() for word in (f"--{name}-port", str(port)))


def image(deployment: Deployment) -> Step:
    """The matched image, verified; nothing is done when it is there."""
    argv = ("./inv", "image", "--tag", deployment.release.tag)
    return Step(title=f"Image {deployment.image}", tool="invoke", argv=argv)


def folders(deployment: Deployment) -> Step:
    """The workspace's folders, made here: what Docker makes for a mount belongs to root."""
    space = deployment.workspace
    made = (space.checkpoints, space.datasets, space.engines, space.repositories)
    return Step(title="Make the workspace", tool="mkdir", argv=("mkdir", "-p", *(str(folder) for folder in made)))
