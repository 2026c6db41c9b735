"""What is fetched from a hub, each at its pinned revision, beside its final place."""

from __future__ import annotations

from environment.plan import Step
from recipes import quantization
from recipes.deployment import Deployment


def checkpoint(deployment: Deployment) -> tuple[Step, ...]:
    """Fetches the checkpoint; nothing when the user brought one."""
    if deployment.model_dir:
        return ()
    source, target = deployment.recipe.checkpoint, deployment.checkpoint_dir
    words = ("./inv", "fetch", source.hub, "--revision", source.revision, "--into", target)
    why = "goes on where it stopped; every file is checked against the hub's sum"
    return (Step(title=f"Download {source.hub}", tool="fetch", argv=words, output=target, why=why),)


def calibration(deployment: Deployment, *, kept: bool = False) -> tuple[Step, ...]:
    """Fetches the data set that quantization is calibrated with; `kept`: it is needed even when the engine is there."""
    data, target = quantization.table().calibration, deployment.calibration_dir
    included = tuple(word for pattern in data.include for word in ("--include", pattern))
    words = ("./inv", "fetch", data.hub, "--kind", "dataset", "--revision", data.revision, *included, "--into", target)
    fetched = Step(
        title=f"Download {data.hub}",
        tool="fetch",
        argv=words,
        output=target,
        needed_for="" if kept else deployment.engine_dir,
        why="the containers have no network",
    )
    return (fetched,)


def publish(what: str, target: str, needed_for: str = "") -> Step:
    """Moves what is finished to its final name: half of it never has that name."""
    argv = ("mv", f"{target}.partial", target)
    return Step(title=f"Publish the {what}", tool="mv", argv=argv, output=target, needed_for=needed_for)
