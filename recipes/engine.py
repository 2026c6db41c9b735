"""From a Hugging Face checkpoint to a TensorRT engine, the way the release itself goes for the model's family."""

from __future__ import annotations

from collections.abc import Callable

from environment.plan import Step
from recipes import converted, legacy, vision
from recipes.deployment import Deployment
from recipes.engine_store import finish
from recipes.spelling import NotInRelease
from recipes.tools import family

Build = Callable[[Deployment], tuple[Step, ...]]
WORKFLOWS: dict[str, Build] = {
    "legacy_build_py": legacy.build,
    "convert_checkpoint+trtllm-build": converted.build,
}


def build(deployment: Deployment) -> tuple[Step, ...]:
    """Makes the engine beside its final place; the last step moves it there whole.

    Raises NotInRelease when the release has no way from this checkpoint to an engine.
    """
    workflow = family(deployment).workflow or ""
    if workflow not in WORKFLOWS:
        raise NotInRelease(f"no way to an engine that this project knows: {workflow!r}")
    steps = (*vision.build(deployment), *WORKFLOWS[workflow](deployment))
    return (*steps, finish(deployment))
