"""`serve RECIPE --rehearse --in-container`: the plan of `serve`, carried out on Docker with the stand-in image."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from msgspec import structs

from environment.console import say
from environment.home import expanded
from environment.plan import Plan, Step
from environment.workspace import Workspace
from recipes import serve
from recipes.adjustment import Adjustment, adjusted, without_gpus
from recipes.container_runs import carry_out_watched, remaining
from recipes.deployment import Deployment
from recipes.ports import refuse_taken
from recipes.recipe import AS_IT_SAYS
from recipes.rehearsal.checkpoint import shipped_for
from recipes.rehearsal.container.context import write_context
from recipes.rehearsal.screen import PROVES

APART = "in-container"  # the folder of the workspace
BASE = "TRTLLM_REHEARSAL_BASE"  # another Debian 12 to build on, such as a mirror's
FOR_GPUS = (("./inv", "doctor"), ("./inv", "image"))


def image_of(deployment: Deployment) -> str:
    """The stand-in's name: never that of an image with TensorRT-LLM in it."""
    return f"trtllm-rehearsal:{deployment.release.tag}"


def planned(deployment: Deployment, user: str) -> Plan:
    """The plan of `serve` with the stand-in image, without GPUs and without asking for them."""
    deployment = rehearsed(deployment)
    plan, name = serve.plan(deployment, user), image_of(deployment)
    kept = (step for step in plan.steps if step.argv[:2] not in FOR_GPUS)
    steps = (_step(step, deployment.image, name) for step in kept)
    in_image = tuple(name if word == deployment.image else word for word in without_gpus(plan.in_image))
    return replace(plan, purpose=f"Rehearse: {plan.purpose}", in_image=in_image, steps=tuple(steps))


def rehearsed(deployment: Deployment) -> Deployment:
    """The deployment of the user's own checkpoint or the shipped one, in a workspace apart.

    Apart, because its engines bear the names of real ones.
    """
    apart = Workspace(deployment.workspace.root / APART)
    recipe = structs.replace(
        deployment.recipe, chat=AS_IT_SAYS
    )  # the tiny checkpoint's own files say how it is talked to
    return replace(
        deployment, recipe=recipe, model_dir=deployment.model_dir or shipped_for(deployment.recipe), workspace=apart
    )


def _step(step: Step, image: str, name: str) -> Step:
    if step.tool != "docker":
        return step
    return replace(step, argv=tuple(name if word == image else word for word in without_gpus(step.argv)))


def adjusted_plan(deployment: Deployment, model_dir: str, asked: Adjustment) -> Plan:
    """What `rehearse_in_container` will do after the image is built."""
    deployment = of_checkpoint(deployment, model_dir)
    return adjusted(planned(deployment, f"{os.getuid()}:{os.getgid()}"), asked, deployment.max_output_len)


def of_checkpoint(deployment: Deployment, model_dir: str) -> Deployment:
    """The deployment with the user's checkpoint, when there is one."""
    return replace(deployment, model_dir=expanded(model_dir)) if model_dir else deployment


def rehearse_in_container(deployment: Deployment, model_dir: str, asked: Adjustment) -> None:
    """Builds the stand-in image, carries the plan out, and says what can be done next."""
    plan = adjusted_plan(deployment, model_dir, asked)
    deployment = of_checkpoint(deployment, model_dir)
    runs, apart = deployment.workspace.runs, rehearsed(deployment)
    left = remaining(plan, apart, runs, rehearsal=True)
    if left is plan:
        refuse_taken(asdict(deployment.ports))
        build_image(deployment)
    carry_out_watched(left, apart, runs, rehearsal=True)
    say(f"\n{PROVES}")


def build_image(deployment: Deployment) -> None:
    """Builds the stand-in image; Docker's own cache makes the second time short. Raises Trouble when it cannot."""
    from environment.execution import run

    base = os.environ.get(BASE, "")
    with tempfile.TemporaryDirectory(prefix="trtllm-rehearsal-") as folder:
        write_context(deployment.release, Path(folder))
        more = ("--build-arg", f"BASE={base}") if base else ()
        argv = ("docker", "build", "--tag", image_of(deployment), *more, folder)
        step = Step(title=f"Build the stand-in image {image_of(deployment)}", tool="docker", argv=argv)
        say(step.title)
        logs = deployment.workspace.runs / deployment.name / "steps"
        logs.mkdir(parents=True, exist_ok=True)
        run(argv, step, logs / "00-image.log")
