"""The plan of `serve`: from nothing to the first streamed answer. Pure: it needs no Docker, GPU, network or model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from environment.contracts import placeholders
from environment.errors import Trouble
from environment.image_layout import upstream
from environment.plan import Plan, Step
from recipes import build, download, launch, patches, room
from recipes.deployment import Deployment
from recipes.front import front_of
from recipes.local import ANSWER
from recipes.quality.agreement import questions
from recipes.recipe import AS_IT_SAYS
from recipes.template_values import values_for
from recipes.verification import verified

QUALITY = "quality"  # the tool of the step that judges the answers
WHOM, REPEATS = (
    ("--url", "--model", "--model-dir", "--recipe"),
    "--accumulates",
)  # the words of a question that say who is asked
READY_WITHIN = 900  # seconds for all ranks to load the engine


def plan(deployment: Deployment, user: str) -> Plan:
    """Every step of `invoke serve`, for the deployment; `user` is the uid:gid that owns what the containers write.

    Raises NotInRelease for what the release cannot do, Trouble for a model that no templates take.
    """
    check_served(deployment)
    built = build.steps(deployment, serves=True)
    templates = values_for(deployment, placeholders(deployment.release.tag))
    repository = repository_dir(deployment, templates)
    steps = (
        *built,
        *model_repository(deployment, repository, templates),
        launch.network(deployment),
        launch.start(deployment, repository, user),
        ready(deployment),
        question(deployment),
        *agreement(deployment, question(deployment)),
    )
    return verified(
        Plan(
            purpose=f"Serve {deployment.recipe.title} {build.words(deployment)}",
            release=deployment.release.tag,
            recipe=deployment.recipe_name,
            in_image=launch.in_image(deployment, user),
            names=build.names(deployment, steps, repository=repository),
            steps=steps,
            notes=room.notes(deployment, steps),
            templates=templates,
        )
    )


def repository_dir(deployment: Deployment, templates: dict[str, dict[str, str]]) -> str:
    """The model repository's folder: of the engine, and of everything that is written into the templates."""
    written = json.dumps([templates, edits_for(deployment)], sort_keys=True)
    digest = hashlib.sha256(written.encode()).hexdigest()[:6]
    return str(deployment.workspace.repositories / f"{deployment.engine_name}-{digest}")


def check_served(deployment: Deployment) -> None:
    """Raises Trouble for a model that the Triton templates have no place for."""
    if not deployment.recipe.served:
        raise Trouble(
            f"{deployment.recipe_name} cannot be served: the templates of {deployment.release.tag} take no image",
            mend=f"invoke build {deployment.recipe_name}   builds it and tests it without a server",
        )


def model_repository(deployment: Deployment, repository: str, templates: dict[str, dict[str, str]]) -> tuple[Step, ...]:
    """Copies the release's templates, fills every placeholder of every model, and moves the whole to its final name."""
    partial = f"{repository}.partial"
    paths = deployment.release.paths
    copy = ("cp", "-rT", upstream(paths.model_repo_template), partial)
    asked = {name: values for name, values in templates.items() if values}  # v0.5.0's filler fails on nothing to fill
    fills = (fill(upstream(paths.fill_template), f"{partial}/{name}", values) for name, values in asked.items())
    edits = patches.applied(edits_for(deployment), deployment.release.tag, partial, repository)
    steps = (Step(title="Copy the model-repository templates", tool="cp", where="container", argv=copy), *edits, *fills)
    return (*(replace(step, output=repository) for step in steps), download.publish("model repository", repository))


def edits_for(deployment: Deployment) -> tuple[str, ...]:
    """The patches of the copied templates: the recipe's own, who writes the first special tokens, every model's."""
    recipe = deployment.recipe
    special = "add-special-tokens" if recipe.chat.special_tokens else "leave-special-tokens"
    return (*recipe.patches, special, *patches.ALWAYS)


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


def talked_to(deployment: Deployment) -> tuple[str, ...]:
    """Whose recipe says how its model is talked to, where the checkpoint does not say it all."""
    if deployment.recipe.chat == AS_IT_SAYS:
        return ()
    return ("--recipe", deployment.said)


def question(deployment: Deployment) -> Step:
    """A ready ensemble does not prove the engine: a token does."""
    address = f"127.0.0.1:{deployment.ports.grpc}"
    front = front_of(deployment.release.tag)
    to = ("--url", address, "--model", front.model, *(("--accumulates",) if front.accumulates else ()))
    argv = ("./inv", "ask", deployment.recipe.question.text, *to, "--model-dir", deployment.checkpoint_dir)
    short = ("--max-tokens", str(deployment.max_output_len)) if deployment.max_output_len < ANSWER else ()
    return Step(title="Ask the smoke question", tool="invoke", argv=(*argv, *short, *talked_to(deployment)))


def agreement(deployment: Deployment, asked: Step) -> tuple[Step, ...]:
    """Asks whom the smoke question asks, and holds the answers against the checkpoint's own.

    None for an engine whose longest answer is shorter than those that are compared.
    """
    if deployment.max_output_len < questions().max_tokens:
        return ()
    pairs = zip(asked.argv, asked.argv[1:], strict=False)
    whom = [word for pair in pairs if pair[0] in WHOM for word in pair]
    repeats = [word for word in asked.argv if word == REPEATS]
    argv = ("./inv", "quality", "--compute", *whom, *repeats)
    return (Step(title="Hold its answers against the checkpoint's own", tool=QUALITY, argv=argv),)
