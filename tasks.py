"""The tasks: parse, call, print, exit. Each one reads as find, plan, execute, report; the thinking is elsewhere.

Here are those that bring `doctor` and `recipes` together; each floor keeps the tasks that need nothing but itself.

Heavy packages are imported by the modules that use them, inside the task, so that `invoke --list` stays fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Collection, Context, Exit, task

from doctor import inspect_task
from doctor.ending import told
from environment import image_tasks, invocation, project_tasks, release_tasks
from environment.console import result_plan
from environment.workspace import PROJECT, current, lock_file
from recipes import question_tasks, server_tasks, stock_tasks
from recipes.deploying import UNSAID, deploys, meant, or_none, own_ports, said

if TYPE_CHECKING:
    from doctor.asked import Asked
    from environment.plan import Plan
    from recipes.adjustment import Adjustment
    from recipes.deployment import Deployment

invocation.install()


@task(
    iterable=["log"],
    auto_shortflags=False,  # among so many options a letter says little, and -h would be --html
    help={
        "log": "name the cause of a failure from its log (repeatable; `-` is standard input)",
        "tag": "the release to judge for",
        "recipe": "what shall be served (NAME, its file, NAME:VARIANT): its type, size and GPUs are judged, too",
        "tp": "GPUs that share each layer",
        "pp": "pipeline stages",
        "gpus": "which GPUs, such as 0,2 (default: the first ones)",
        "http-port": "the ports that Triton shall have (default: those that serve would take)",
        "grpc-port": "see --http-port",
        "metrics-port": "see --http-port",
        "image": "an image to look into",
        "engine": "an engine's folder: against the image, the GPUs and the repository",
        "model": "a checkpoint's folder: its files, its tokenizer, and whether the release can convert it",
        "repository": "a model repository's folder: by itself and against the engine",
        "deep": "with --model: read every byte and compare its SHA-256; with --image: start a container with GPUs",
        "online": "with --recipe: ask the hub whether it hands out the checkpoint",
        "json": "as data (doctor/doctor.schema.json)",
        "html": "write the report as one page, too",
        "lang": "en or zh",
        "save": "write the readings to a file, without secrets and names",
        "bundle": "judge the host whose readings this file holds",
        "explain": "all about one check, by id or slug",
        "source": "a checkout of tensorrtllm_backend to build from",
        "quant": "the recipe's quantization, such as fp8 (default: the recipe's own)",
        "build": "judge for an engine that is built alone: no server, no ports",
        "strict": "warnings are failures, and every unanswered check is required",
        "quiet": "only what stands in the way, and the summary",
        "fix": "make reversible edits to our own files, and check again; what needs root is only printed",
    },
)
def doctor(
    c: Context,
    log: list[str],
    tag: str = "",
    recipe: str = "",
    tp: int = 0,
    pp: int = 0,
    gpus: str = "",
    image: str = "",
    engine: str = "",
    model: str = "",
    repository: str = "",
    source: str = "",
    quant: str = "",
    build: bool = False,
    deep: bool = False,
    online: bool = False,
    json: bool = False,
    html: str = "",
    lang: str = "en",
    save: str = "",
    bundle: str = "",
    explain: str = "",
    strict: bool = False,
    quiet: bool = False,
    fix: bool = False,
    http_port: int = UNSAID,
    grpc_port: int = UNSAID,
    metrics_port: int = UNSAID,
) -> None:
    """Say what is wrong with this host, or what went wrong by a --log, and the command that mends it."""
    options = invocation.given(doctor.body, locals())
    if log:
        from doctor.diagnosis.report import refuse_beside, tell

        refuse_beside({name: value for name, value in options.items() if name != "json"})
        code = tell(log, json)
    else:
        from doctor.asked import Named
        from doctor.consultation import explained, hold
        from doctor.options import Telling
        from doctor.visit import visit

        if explain:
            raise Exit(code=explained(explain, lang))
        telling = Telling(language=lang, json=json, html=html, save=save, strict=strict, fix=fix, quiet=quiet)
        named = Named(engine=engine, model=model, repository=repository, source=source, deep=deep, online=online)
        ports = said({"http": http_port, "grpc": grpc_port, "metrics": metrics_port})
        wanted = asked(recipe, tag, tp, pp, quant, gpus, ports, serves=not build)
        code = hold(visit(tag, wanted, PROJECT, image=image, named=named), telling, bundle)
    raise Exit(code=code)


def asked(
    recipe: str, tag: str, tp: int, pp: int, quant: str, gpus: str, ports: Mapping[str, int], *, serves: bool = True
) -> Asked:
    """What the doctor judges the host for: some GPUs, or a recipe on them, and the ports of its server, if any."""
    from doctor.asked import Asked
    from environment.errors import Usage
    from recipes.gpus import chosen

    launch_named = bool(tp or pp or recipe)
    if not recipe:
        tp, pp = tp or 1, pp or 1
        if min(tp, pp) < 1:
            raise Usage(f"--tp {tp} and --pp {pp} must be at least 1", mend="leave them out for one GPU")
        if quant:
            raise Usage("--quant says how a recipe is quantized", mend="name it, too: --recipe NAME")
        devices = chosen(tp * pp, gpus).serving if gpus or launch_named else ()
        return Asked(
            gpus=tp * pp,
            tensor_parallel=tp,
            pipeline_parallel=pp,
            devices=devices,
            launch_named=launch_named,
            serves=serves,
            **own_ports(ports),
        )
    from msgspec.structs import replace

    wanted = meant(recipe, ports, tag=tag, tp=tp or None, pp=pp or 1, quant=quant, gpus=gpus)
    return replace(asked_of(wanted, serves=serves), launch_named=launch_named)


def asked_of(deployment: Deployment, *, serves: bool) -> Asked:
    """What a deployment asks of the host; what only builds needs no ports."""
    from doctor.asked import Asked
    from recipes import sizes

    ports = deployment.ports
    return Asked(
        gpus=deployment.world_size,
        tensor_parallel=deployment.tp,
        pipeline_parallel=deployment.pp,
        devices=deployment.gpus.serving,
        http_port=ports.http,
        grpc_port=ports.grpc,
        metrics_port=ports.metrics,
        serves=serves,
        dtype=deployment.dtype,
        quantization=deployment.quantization,
        checkpoint_bytes=sizes.checkpoint_bytes(deployment),
        rank_bytes=sizes.rank_bytes(deployment),
        recipe=deployment.recipe_name,
        hub="" if deployment.model_dir else deployment.recipe.checkpoint.hub,
        hub_revision=deployment.recipe.checkpoint.revision,
    )


def carry_out_or_tell(c: Context, plan: Callable[[Deployment, str], Plan], deployment: Deployment, json: bool) -> None:
    """Plans; with --dry prints the plan, else carries it out."""
    from recipes.verification import or_first

    planned = or_first(lambda asked: plan(asked, f"{os.getuid()}:{os.getgid()}"), deployment)
    if c.config.run.dry:
        result_plan(planned, json=json)
    else:
        on_gpus(deployment, planned)


@deploys
def build(c: Context, deployment: Deployment, json: bool) -> None:
    """Build a recipe's engine: image, checkpoint, engine. `--dry` prints the plan."""
    from recipes.build import plan

    carry_out_or_tell(c, plan, deployment, json)


@deploys
def serve(
    c: Context,
    deployment: Deployment,
    json: bool,
    model_dir: str,
    rehearse: bool = False,
    in_container: bool = False,
    restart: str = "",
    env_file: str = "",
    expose: bool = False,
    detach: bool = False,
    follow: bool = False,
    templates: str = "",
    question: str = "",
    max_tokens: int = UNSAID,
    locked: bool = False,
    openai: bool = False,
    openai_port: int = UNSAID,
    quality: bool = True,
) -> None:
    """Serve a recipe: image, checkpoint, engine, model repository, server, first answer. `--dry` prints the plan."""
    from recipes import adjustment
    from recipes.chosen import choose, stays_up

    most = or_none(max_tokens)
    asked = adjustment.Adjustment(
        restart=restart, env_file=env_file, expose=expose, quality=quality, question=question, max_tokens=most
    )
    adjustment.refuse_at_odds(detach=detach, follow=follow)
    adjustment.refuse_unheard(asked, rehearse=rehearse, in_container=in_container, templates=templates, locked=locked)
    if not c.config.run.dry:
        adjustment.refuse_missing_file(asked)
    adjustment.refuse_port(said({"openai": openai_port}), openai=openai)
    adjustment.warn_of_exposure(asked, deployment.ports)
    if rehearse and in_container:
        rehearse_in_container(c, deployment, model_dir, asked, json)
    elif rehearse:
        refuse_dry_rehearsal(c, deployment)
        from recipes.rehearsal.screen import run_and_ask

        run_and_ask(deployment, model_dir, templates=templates, question=question, max_tokens=most, quality=quality)
    else:
        serve_in_container(c, deployment, asked, locked, json)
    if c.config.run.dry:
        return
    run = choose(current().runs, deployment.name)
    stays_up(run)
    if openai:
        from recipes.openai.process import start

        start(current().runs, run, () if openai_port == UNSAID else ("--port", str(openai_port)))
    if follow:
        from recipes.logs import show

        show(current().runs, deployment.name, lines=0, follow=True)


def serve_in_container(c: Context, deployment: Deployment, asked: Adjustment, locked: bool, json: bool) -> None:
    """Carries the plan of serve out, or prints it; `locked`: only with exactly what the lock file locks."""
    from recipes.adjustment import adjusted
    from recipes.serve import plan

    if locked and not c.config.run.dry:
        refuse_unlocked(deployment)
    carry_out_or_tell(c, lambda of, user: adjusted(plan(of, user), asked, of.max_output_len), deployment, json)


def rehearse_in_container(c: Context, deployment: Deployment, model_dir: str, asked: Adjustment, json: bool) -> None:
    """The same plan with a stand-in image, or its text."""
    from recipes.rehearsal.container import serving

    if c.config.run.dry:
        result_plan(serving.adjusted_plan(deployment, model_dir, asked), json=json)
    else:
        serving.rehearse_in_container(deployment, model_dir, asked)


def refuse_dry_rehearsal(c: Context, deployment: Deployment) -> None:
    """Raises Usage for --dry: a rehearsal without a container has no steps to print."""
    from environment.errors import Usage

    if c.config.run.dry:
        name = deployment.recipe_name
        mend = f"invoke serve {name} --dry   or   invoke serve {name} --rehearse"
        raise Usage("a rehearsal has no plan to print: --dry prints what would be done on GPUs", mend=mend)


def refuse_unlocked(deployment: Deployment) -> None:
    """Raises Trouble when the image or a fetched checkpoint is not what trtllm.lock.json locks."""
    from environment.images import lock

    lock.refuse_differences(lock_file(), deployment.image, deployment.workspace.checkpoints)


@deploys
def run(
    c: Context,
    deployment: Deployment,
    json: bool,
    question: str = "",
    max_tokens: int = UNSAID,
    streaming: bool = False,
) -> None:
    """Ask a recipe's engine without a server, on one GPU or by mpirun on several. `--dry` prints the plan."""
    from recipes import local

    plan = partial(local.run, question=question, max_tokens=or_none(max_tokens), streaming=streaming)
    carry_out_or_tell(c, plan, deployment, json)


@deploys
def summarize(c: Context, deployment: Deployment, json: bool) -> None:
    """Judge a recipe's engine by the ROUGE of its summaries. `--dry` prints the plan."""
    from recipes import local

    carry_out_or_tell(c, local.summarize, deployment, json)


@deploys
def bench(
    c: Context,
    deployment: Deployment,
    json: bool,
    mode: str = "ifb",
    input_mean: int = UNSAID,
    output_mean: int = UNSAID,
    clocks: str = "",
) -> None:
    """Put a recipe's engine under load: --mode ifb, v1, static, fixed or python. `--dry` prints the plan."""
    from recipes.bench import plan

    means = or_none(input_mean), or_none(output_mean)
    driven = partial(plan, mode=mode, input_mean=means[0], output_mean=means[1], clocks=clocks)
    carry_out_or_tell(c, driven, deployment, json)


def on_gpus(deployment: Deployment, plan: Plan) -> None:
    """Carries the plan out, once this host is known to be able to."""
    from doctor import preflight
    from environment.errors import Trouble
    from recipes import readiness
    from recipes.checkpoint import whole
    from recipes.container_runs import carry_out_watched, remaining
    from recipes.engine_store import alone

    if deployment.model_dir:
        whole(deployment.model_dir, allow_remote_code=deployment.allow_remote_code)
    runs = deployment.workspace.runs
    left = remaining(plan, deployment, runs, rehearsal=False)
    try:
        if left is plan:
            serves = any(step.tool == "docker" for step in plan.steps)
            preflight.require(deployment.release, asked_of(deployment, serves=serves))
    except Trouble as trouble:
        trouble.mend += f"\n         or see it work here, on the CPU: invoke serve {deployment.recipe_name} --rehearse"
        raise
    readiness.require(deployment, plan)
    with alone(Path(deployment.engine_dir)):
        carry_out_watched(left, deployment, runs, rehearsal=False)


def collected() -> Collection:
    """Every task, each of them ending with the words of the trouble it meets."""
    floors = (project_tasks, release_tasks, image_tasks, inspect_task, stock_tasks, question_tasks, server_tasks)
    tasks = [each for floor in floors for each in Collection.from_module(floor).tasks.values()]
    whole = Collection(doctor, build, serve, run, summarize, bench, *tasks)
    for each in whole.tasks.values():
        each.body = told()(each.body)
    return whole


namespace = collected()
