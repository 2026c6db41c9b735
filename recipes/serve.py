"""The plan of `serve`: from nothing to the first streamed answer. Pure: it needs no Docker, GPU, network or model."""

from __future__ import annotations

from dataclasses import replace

from environment.contracts import placeholders
from environment.image_layout import upstream
from environment.plan import Plan, Step
from recipes import engine, launch
from recipes.deployment import Deployment
from recipes.template_values import values_for

READY_WITHIN = 900  # seconds for all ranks to load the engine


def plan(deployment: Deployment, user: str) -> Plan:
    """Every step of `invoke serve`, for the deployment; `user` is the uid:gid that owns what the containers write."""
    templates = values_for(deployment, placeholders(deployment.release.tag))
    repository = str(deployment.workspace.repositories / deployment.engine_name)
    steps = (
        preflight(deployment),
        image(deployment),
        folders(deployment),
        *engine.download(deployment),
        *engine.build(deployment),
        *model_repository(deployment, repository, templates),
        launch.start(deployment, repository, user),
        ready(deployment),
        question(deployment),
    )
    tag, split = deployment.release.tag, f"tp {deployment.tp} x pp {deployment.pp}"
    return Plan(
        purpose=f"Serve {deployment.recipe.title} with TensorRT-LLM {tag} on {deployment.world_size} GPU(s): {split}",
        release=tag,
        recipe=deployment.recipe_name,
        in_image=launch.in_image(deployment, user),
        names={
            "workspace": str(deployment.workspace.root),
            "checkpoint": deployment.checkpoint_dir,
            "converted": engine.converted_dir(deployment),
            "engine": deployment.engine_dir,
            "repository": repository,
        },
        steps=steps,
        templates=templates,
    )


def preflight(deployment: Deployment) -> Step:
    """Everything that can be known to fail before hours are spent."""
    words = ("--tag", deployment.release.tag, "--recipe", deployment.recipe_name)
    split = ("--tp", str(deployment.tp), "--pp", str(deployment.pp))
    return Step(title="Preflight", tool="invoke", argv=("./inv", "doctor", *words, *split))


def image(deployment: Deployment) -> Step:
    """The matched image, verified; nothing is done when it is there."""
    argv = ("./inv", "image", "--tag", deployment.release.tag)
    return Step(title=f"Image {deployment.image}", tool="invoke", argv=argv)


def folders(deployment: Deployment) -> Step:
    """The workspace's folders, made here: what Docker makes for a mount belongs to root."""
    made = (deployment.workspace.checkpoints, deployment.workspace.engines, deployment.workspace.repositories)
    return Step(title="Make the workspace", tool="mkdir", argv=("mkdir", "-p", *(str(folder) for folder in made)))


def model_repository(deployment: Deployment, repository: str, templates: dict[str, dict[str, str]]) -> tuple[Step, ...]:
    """Copies the release's templates, fills every placeholder of every model, and moves the whole to its final name."""
    partial = f"{repository}.partial"
    paths = deployment.release.paths
    copy = ("cp", "-rT", upstream(paths.model_repo_template), partial)
    fills = (fill(upstream(paths.fill_template), f"{partial}/{name}", values) for name, values in templates.items())
    steps = (Step(title="Copy the model-repository templates", tool="cp", where="container", argv=copy), *fills)
    return (*(replace(step, output=repository) for step in steps), engine.publish("model repository", repository))


def fill(script: str, model: str, values: dict[str, str]) -> Step:
    """Fills one model's `config.pbtxt`."""
    pairs = ",".join(f"{name}:{value}" for name, value in values.items())
    name = model.rsplit("/", 1)[1]
    argv = ("python3", script, "-i", f"{model}/config.pbtxt", pairs)
    return Step(title=f"Fill {name}/config.pbtxt", tool="fill_template", where="container", argv=argv)


def ready(deployment: Deployment) -> Step:
    """Waits until every model of rank 0 is ready."""
    url = f"http://127.0.0.1:{deployment.ports.http}/v2/health/ready"
    retry = ("--retry", str(READY_WITHIN), "--retry-delay", "1", "--retry-max-time", str(READY_WITHIN))
    argv = ("curl", "--fail", "--silent", "--show-error", *retry, "--retry-connrefused", "--retry-all-errors", url)
    return Step(title="Wait until the server is ready", tool="curl", argv=argv)


def question(deployment: Deployment) -> Step:
    """A ready ensemble does not prove the engine: a token does."""
    address = f"127.0.0.1:{deployment.ports.grpc}"
    argv = ("./inv", "ask", deployment.recipe.question.text, "--url", address, "--model-dir", deployment.checkpoint_dir)
    return Step(title="Ask the smoke question", tool="invoke", argv=argv)
