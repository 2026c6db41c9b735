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
    words = (".venv/bin/hf", "download", source.hub, "--revision", source.revision, "--local-dir", f"{target}.partial")
    return (
        Step(title=f"Download {source.hub}", tool="hf", argv=words, output=target, why="resumes where it was cut off"),
        publish("checkpoint", target),
    )


def calibration(deployment: Deployment, *, kept: bool = False) -> tuple[Step, ...]:
    """Fetches the data set that quantization is calibrated with; `kept`: it is needed even when the engine is there."""
    data, target = quantization.table().calibration, deployment.calibration_dir
    fetch = (".venv/bin/hf", "download", data.hub, "--repo-type", "dataset", "--revision", data.revision)
    included = tuple(word for pattern in data.include for word in ("--include", pattern))
    words = (*fetch, *included, "--local-dir", f"{target}.partial")
    engine = "" if kept else deployment.engine_dir
    fetched = Step(
        title=f"Download {data.hub}",
        tool="hf",
        argv=words,
        output=target,
        needed_for=engine,
        why="the containers have no network",
    )
    return (fetched, publish("calibration data", target, needed_for=engine))


def publish(what: str, target: str, needed_for: str = "") -> Step:
    """Moves what is finished to its final name: half of it never has that name."""
    argv = ("mv", f"{target}.partial", target)
    return Step(title=f"Publish the {what}", tool="mv", argv=argv, output=target, needed_for=needed_for)
