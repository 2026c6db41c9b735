"""The tasks: parse, call, print, exit. Each one reads as find, plan, execute, report; the thinking is elsewhere.

Heavy packages are imported by the modules that use them, inside the task, so that `invoke --list` stays fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from invoke import Context, Exit, Task, task

from environment import invocation

if TYPE_CHECKING:
    from doctor.asked import Asked
    from environment.plan import Plan
    from recipes.adjustment import Adjustment
    from recipes.ask import Manner
    from recipes.deployment import Deployment

ROOT = Path(__file__).parent
UNSAID = -1  # an option that was not given: the recipe says; 0 is a value that was given, and refused
invocation.install()


@contextmanager
def told() -> Iterator[None]:
    """Ends a task with the words and the exit code of the trouble it met, never with a traceback."""
    from environment.errors import ExitCode, Trouble

    try:
        yield
    except Trouble as trouble:
        raise Exit(f"error: {trouble}{_cause_in(trouble.log)}", code=trouble.code) from trouble
    except KeyboardInterrupt:
        raise Exit("interrupted: nothing half-made was kept", code=ExitCode.INTERRUPTED) from None
    except Exit:
        raise
    except Exception as bug:
        raise Exit(f"error: {_bug(bug)}", code=ExitCode.BUG) from bug


def _bug(error: Exception) -> str:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    lines = "".join(traceback.format_exception(error))
    ROOT.joinpath("workspace").mkdir(exist_ok=True)
    report = ROOT / "workspace" / "bug.txt"
    report.write_text(lines, encoding="utf-8")
    return (
        f"this is a bug of the toolkit: {type(error).__name__}: {error}\n"
        f"  where  {Path(where.filename).name}:{where.lineno}\n  mend   please report it with {report}"
    )


def _cause_in(log: Path | None) -> str:
    """What the log of the failed step says went wrong; nothing when there is no log, or no known cause in it."""
    if log is None or not log.is_file():
        return ""
    from doctor.diagnosis import explain
    from doctor.diagnosis_report import short

    cause = short(explain(log))
    return f"\n\n{cause}" if cause else ""


@task(help={"only": "pytest's -m expression, such as 'not docker'", "path": "the test file or folder to run"})
def test(c: Context, only: str = "", path: str = "tests") -> None:
    """Run the tests (all of them; `--only "not docker and not triton"` takes seconds)."""
    _module("pytest", *(("-m", only) if only else ()), path)


@task
def lint(c: Context) -> None:
    """Check style and types: ruff, ruff format and mypy --strict."""
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", ".")):
        _module(*words)


@task(help={"only": "one of them: diagnosis, rehearsal"})
def benchmark(c: Context, only: str = "") -> None:
    """Measure quality and speed, as ratios against a baseline in the same run; never fails on time."""
    _module("tests.benchmarks", *((only,) if only else ()))


def _module(*words: str) -> None:
    """Runs a Python module in the project's folder; ends the task with its exit code unless that is 0."""
    import subprocess

    code = subprocess.run((sys.executable, "-m", *words), cwd=ROOT, check=False).returncode
    if code:
        raise Exit(code=code)


@task(
    help={
        "source": "a checkout of tensorrtllm_backend or TensorRT-LLM; nothing of it is run",
        "image": "an image on this host to read instead; nothing of it is run either",
        "release": "whose command lines and templates they are, such as v0.10.0",
        "output": "the folder to write to (default: the project's own contracts)",
        "check": "compare with the shipped contracts and write nothing; exit code 1 when they differ",
    }
)
def contract(
    c: Context, release: str, source: str = "", image: str = "", output: str = "", check: bool = False
) -> None:
    """Read a release's command lines and template placeholders out of its source, or out of an image."""
    with told():
        from environment.console import result
        from environment.contracts.extraction import report
        from environment.contracts.extraction.contracts import place
        from environment.contracts.extraction.reading import read

        found, folder = read(source, image, release), place(release, output)
        if not check:
            report.write(found, folder)
            result(report.told(found, release, folder))
            return
        if differing := report.differences(found, folder):
            raise Exit("\n".join(differing), code=1)
        result(f"{len(found.contracts)} contracts agree with the source")


@task(
    help={
        "tag": "one release in full, with sources",
        "compare": "a second tag: what differs from --tag",
        "json": "as data",
    }
)
def releases(c: Context, tag: str = "", compare: str = "", json: bool = False) -> None:
    """List the known releases; `--tag v0.10.0` shows one in full, `--compare v0.12.0` what differs."""
    with told():
        from environment.console import result, result_json
        from environment.releases.report import document, report

        if json:
            result_json("releases/1", document(tag, compare))
        else:
            result(report(tag, compare))


@task(
    iterable=["log"],
    help={
        "log": "name the cause of a failure from its log (repeatable; `-` is standard input)",
        "tag": "the release to judge for",
        "recipe": "what shall be served: its type, size and GPUs are judged, too",
        "tp": "GPUs that share each layer",
        "pp": "pipeline stages",
        "image": "an image to look into",
        "engine": "an engine's folder: against the image, the GPUs and the repository",
        "model": "a checkpoint's folder: its files, its tokenizer, and whether the release can convert it",
        "repository": "a model repository's folder: by itself and against the engine",
        "deep": "with --model: read every byte and compare the SHA-256 recorded at the download",
        "json": "as data (doctor/doctor.schema.json)",
        "html": "write the report as one page, too",
        "lang": "en or zh",
        "save": "write the readings to a file, without secrets and names",
        "bundle": "judge the host whose readings this file holds",
        "explain": "all about one check, by id or slug",
        "source": "a checkout of tensorrtllm_backend to build from",
        "quant": "the recipe's quantization, such as fp8 (default: the recipe's own)",
        "strict": "warnings are failures, and every unanswered check is required",
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
    image: str = "",
    engine: str = "",
    model: str = "",
    repository: str = "",
    source: str = "",
    quant: str = "",
    deep: bool = False,
    json: bool = False,
    html: str = "",
    lang: str = "en",
    save: str = "",
    bundle: str = "",
    explain: str = "",
    strict: bool = False,
    fix: bool = False,
) -> None:
    """Say what is wrong with this host, or what went wrong by a --log, and the command that mends it."""
    with told():
        if log:
            from doctor.diagnosis_report import tell

            code = tell(log, json)
        else:
            from doctor.asked import Named
            from doctor.consultation import Telling, explained, hold
            from doctor.visit import visit

            if explain:
                raise Exit(code=explained(explain, lang))
            telling = Telling(language=lang, json=json, html=html, save=save, strict=strict, fix=fix)
            named = Named(engine=engine, model=model, repository=repository, source=source, deep=deep)
            code = hold(visit(tag, asked(recipe, tag, tp, pp, quant), ROOT, image=image, named=named), telling, bundle)
    raise Exit(code=code)


def asked(recipe: str, tag: str, tp: int, pp: int, quant: str = "") -> Asked:
    """What the doctor judges the host for: some GPUs, or a recipe on them."""
    from dataclasses import replace

    from doctor.asked import Asked
    from environment.errors import Usage
    from environment.workspace import current
    from recipes.deployment import Ports, deploy

    launch_named = bool(tp or pp or recipe)
    if not recipe:
        tp, pp = tp or 1, pp or 1
        if min(tp, pp) < 1:
            raise Usage(f"--tp {tp} and --pp {pp} must be at least 1")
        if quant:
            raise Usage("--quant says how a recipe is quantized", mend="name it, too: --recipe NAME")
        return Asked(gpus=tp * pp, tensor_parallel=tp, pipeline_parallel=pp, launch_named=launch_named)
    wanted = deploy(recipe, workspace=current(ROOT), ports=Ports(), tag=tag, tp=tp or None, pp=pp or 1, quant=quant)
    return replace(asked_of(wanted), launch_named=launch_named)


def asked_of(deployment: Deployment) -> Asked:
    """What a deployment asks of the host."""
    from doctor.asked import Asked
    from recipes import sizes

    ports = deployment.ports
    return Asked(
        gpus=deployment.world_size,
        tensor_parallel=deployment.tp,
        pipeline_parallel=deployment.pp,
        http_port=ports.http,
        grpc_port=ports.grpc,
        metrics_port=ports.metrics,
        dtype=deployment.dtype,
        quantization=deployment.quantization,
        checkpoint_bytes=sizes.checkpoint_bytes(deployment),
        rank_bytes=sizes.rank_bytes(deployment),
        recipe=deployment.recipe_name,
    )


@task(
    positional=["path"],
    iterable=["path"],
    help={
        "path": "files and folders, as many as you like",
        "for-tensorrt": "the TensorRT that is to load them, such as 10.0.1.6",
        "for-compute": "the compute capability of its GPU, such as 9.0 (default: this host's)",
        "image": "take the TensorRT of this image",
        "json": "as data",
    },
)
def inspect(
    c: Context, path: list[str], for_tensorrt: str = "", for_compute: str = "", image: str = "", json: bool = False
) -> None:
    """Say what a plan, engine, checkpoint, tokenizer or model repository is, and whether it is whole and will load."""
    with told():
        from doctor.inspection import answer, look, target, text
        from environment.console import result, result_json

        whom = target.target(for_tensorrt, for_compute, image)
        found = [look.inspect(each, whom) for each in look.existing(path)]
        result_json(answer.SCHEMA, answer.document(found)) if json else result(text.told(found, whom))
        code = answer.exit_code(found)
    raise Exit(code=code)


DEPLOYING = {
    "recipe": "the recipe's name (invoke recipes)",
    "tag": "the release to use",
    "tp": "GPUs that share each layer",
    "pp": "pipeline stages",
    "dtype": "float16, bfloat16 or float32",
    "quant": "fp8, int8_sq, int4_awq, w4a8_awq, int8_wo, int4_wo or none",
    "kv-cache-dtype": "fp8 or int8",
    "feature": "a switch of the build, such as fp8-context-fmha or tokens-per-block=128 (repeat for more)",
    "max-batch-size": "requests at once",
    "max-input-len": "tokens in",
    "max-output-len": "tokens out",
    "model": "another checkpoint of the recipe: a variant (32k) or its hub id",
    "model-dir": "your own Hugging Face checkpoint instead of the hub's",
    "allow-remote-code": "let the Python in your own checkpoint be loaded; read it first",
    "recipe-file": "your own recipe instead of a shipped one",
    "name": "the server's name (default: the recipe's)",
    "http-port": "Triton's HTTP port on this host",
    "grpc-port": "Triton's gRPC port on this host",
    "metrics-port": "Triton's metrics port on this host",
    "json": "with --dry: the plan as data",
}
OWN = {
    "rehearse": "real Triton on this CPU: no GPU, no Docker",
    "in_container": "with --rehearse: in a container, by the very plan of serve, with a stand-in image",
    "gpus": "which GPUs, such as 0,2 (default: the first ones)",
    "restart": "when Docker starts it again: no, always, unless-stopped or on-failure[:N]",
    "env_file": "a file of NAME=VALUE lines for the server's container",
    "expose": "publish the ports on every address of this host, not on 127.0.0.1 alone",
    "follow": "afterwards show the server's log until Ctrl-C",
    "templates": "with --rehearse: a checkout of tensorrtllm_backend at the tag, served unmodified",
    "question": "what is asked (default: the recipe's smoke question)",
    "max_tokens": "the longest answer to it",
    "openai": "an OpenAI-compatible endpoint before it, too (invoke openai)",
    "openai_port": "where that listens on the loopback address",
    "streaming": "show the answer as it grows",
    "mode": "ifb, v1, static, fixed (gptManagerBenchmark) or python (benchmark.py)",
    "input_mean": "tokens in, on average (default: half of the engine's)",
    "output_mean": "tokens out, on average",
    "locked": "refuse an image or a checkpoint that is not what trtllm.lock.json locks",
    "clocks": "hold the GPUs' graphics and memory clock: MHZ,MHZ (needs root)",
}


def deployed(
    recipe: str,
    tag: str = "",
    tp: int = UNSAID,
    pp: int = 1,
    dtype: str = "",
    quant: str = "",
    kv_cache_dtype: str = "",
    feature: list[str] | None = None,
    max_batch_size: int = UNSAID,
    max_input_len: int = UNSAID,
    max_output_len: int = UNSAID,
    model: str = "",
    model_dir: str = "",
    allow_remote_code: bool = False,
    recipe_file: str = "",
    name: str = "",
    http_port: int = 8000,
    grpc_port: int = 8001,
    metrics_port: int = 8002,
    json: bool = False,
) -> Deployment:
    """The deployment that the options say, which all tasks around an engine share."""
    from environment.workspace import current
    from recipes.deployment import Ports, deploy

    limits = {"max_batch_size": max_batch_size, "max_input_len": max_input_len, "max_output_len": max_output_len}
    return deploy(
        recipe,
        workspace=current(ROOT),
        tag=tag,
        tp=None if tp == UNSAID else tp,
        pp=pp,
        dtype=dtype,
        quant=quant,
        kv_cache_dtype=kv_cache_dtype,
        feature=feature or (),
        limits={word: value for word, value in limits.items() if value != UNSAID},
        model=model,
        model_dir=model_dir,
        allow_remote_code=allow_remote_code,
        recipe_file=recipe_file,
        name=name,
        ports=Ports(http=http_port, grpc=grpc_port, metrics=metrics_port),
    )


def deploys(body: Callable[..., None]) -> Task[Callable[..., None]]:
    """A task around a deployment: its options are those of `deployed` and its own, and it is given the Deployment.

    Invoke reads the options from the signature, which is put together here so that they are said once.
    """
    shared = signature(deployed).parameters
    context, _, *own = signature(body).parameters.values()

    def task_body(c: Context, **said: Any) -> None:
        with told():
            # The CPU engine takes any checkpoint it can run; what the recipe says of its own is for GPUs.
            words = {**said, "model_dir": "" if said.get("rehearse") else said["model_dir"]}
            deployment = deployed(**{name: words[name] for name in shared})
            body(c, deployment, **{name: said[name] for name in wanted})

    wanted = [one.name for one in own]
    own = [one for one in own if one.name not in shared]
    task_body.__name__, task_body.__doc__ = body.__name__, body.__doc__
    setattr(task_body, "__signature__", Signature([context, *shared.values(), *own]))  # noqa: B010 - no such attribute to mypy
    told_of = {one.name.replace("_", "-"): OWN[one.name] for one in own}
    made: Task[Callable[..., None]] = task(help={**DEPLOYING, **told_of}, iterable=["feature"], auto_shortflags=False)(
        task_body
    )
    return made


def carry_out_or_tell(c: Context, plan: Callable[[Deployment, str], Plan], deployment: Deployment, json: bool) -> None:
    """Plans; with --dry prints the plan, else carries it out."""
    from recipes.verification import or_first

    planned = or_first(lambda asked: plan(asked, f"{os.getuid()}:{os.getgid()}"), deployment)
    if c.config.run.dry:
        tell_plan(planned, json=json)
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
    gpus: str = "",
    restart: str = "",
    env_file: str = "",
    expose: bool = False,
    follow: bool = False,
    templates: str = "",
    question: str = "",
    max_tokens: int = 128,
    locked: bool = False,
    openai: bool = False,
    openai_port: int = 9000,
) -> None:
    """Serve a recipe: image, checkpoint, engine, model repository, server, first answer. `--dry` prints the plan."""
    from recipes.adjustment import EXPOSED, Adjustment

    asked = Adjustment(gpus=gpus, restart=restart, env_file=env_file, expose=expose)
    if expose:
        from environment.console import say

        say(f"warning: --expose publishes every port on every address of this host: {EXPOSED}")
    if rehearse and in_container:
        rehearse_in_container(c, deployment, model_dir, asked, json)
    elif rehearse:
        refuse_dry_rehearsal(c, deployment)
        from recipes.rehearsal.screen import run_and_ask

        run_and_ask(deployment, model_dir, templates=templates, question=question, max_tokens=max_tokens)
    else:
        serve_in_container(c, deployment, asked, locked, json)
    if c.config.run.dry:
        return
    if openai:
        stand_before(deployment.name, openai_port)
    if follow:
        from environment.workspace import current
        from recipes.logs import show

        show(current(ROOT).runs, deployment.name, lines=0, follow=True)


def serve_in_container(c: Context, deployment: Deployment, asked: Adjustment, locked: bool, json: bool) -> None:
    """Carries the plan of serve out, or prints it; `locked`: only with exactly what the lock file locks."""
    from recipes.adjustment import adjusted
    from recipes.serve import plan

    if locked and not c.config.run.dry:
        refuse_unlocked(deployment)
    carry_out_or_tell(c, lambda of, user: adjusted(plan(of, user), asked, of), deployment, json)


def rehearse_in_container(c: Context, deployment: Deployment, model_dir: str, asked: Adjustment, json: bool) -> None:
    """The same plan with a stand-in image, or its text."""
    from recipes.rehearsal.container import serving

    if c.config.run.dry:
        tell_plan(serving.adjusted_plan(deployment, model_dir, asked), json=json)
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

    lock.refuse_differences(ROOT / lock.NAME, deployment.image, deployment.workspace.checkpoints)


@deploys
def run(
    c: Context, deployment: Deployment, json: bool, question: str = "", max_tokens: int = 128, streaming: bool = False
) -> None:
    """Ask a recipe's engine without a server, on one GPU or by mpirun on several. `--dry` prints the plan."""
    from recipes import local

    plan = partial(local.run, question=question, max_tokens=max_tokens, streaming=streaming)
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
    input_mean: int = 0,
    output_mean: int = 0,
    clocks: str = "",
) -> None:
    """Put a recipe's engine under load: --mode ifb, v1, static, fixed or python. `--dry` prints the plan."""
    from recipes.bench import plan

    driven = partial(plan, mode=mode, input_mean=input_mean, output_mean=output_mean, clocks=clocks)
    carry_out_or_tell(c, driven, deployment, json)


def on_gpus(deployment: Deployment, plan: Plan) -> None:
    """Carries the plan out, once this host is known to be able to."""
    from doctor import preflight
    from environment.errors import Trouble
    from recipes.checkpoint import whole
    from recipes.container_runs import carry_out_watched
    from recipes.engine_store import alone

    if deployment.model_dir:
        whole(deployment.model_dir, allow_remote_code=deployment.allow_remote_code)
    try:
        preflight.require(deployment.release, asked_of(deployment))
    except Trouble as trouble:
        trouble.mend += f"\n         or see it work here, on the CPU: invoke serve {deployment.recipe_name} --rehearse"
        raise
    with alone(Path(deployment.engine_dir)):
        carry_out_watched(plan, deployment, deployment.workspace.runs, rehearsal=False)


def stand_before(name: str, port: int) -> None:
    """Starts the OpenAI endpoint of a server behind this terminal."""
    from environment.console import say
    from environment.workspace import current
    from recipes.openai.process import start
    from recipes.runs import choose

    runs = current(ROOT).runs
    endpoint = start(runs, choose(runs, name), ("--port", str(port)))
    say(f"OpenAI endpoint   {endpoint.url}  (model {name})")


def tell_plan(plan: Plan, *, json: bool) -> None:
    """Prints a plan: shell one can paste, or data."""
    from environment.console import result, result_json

    if json:
        result_json("plan/1", plan.data())
    else:
        result(str(plan))


@task(
    help={
        "tag": "the release, such as v0.10.0",
        "from": "ngc (pull what NVIDIA publishes) or source (build it); default: what is best for the release",
        "name": "the image's name (default: trtllm:TAG)",
        "registry": "a mirror instead of nvcr.io: HOST[:PORT][/PATH]",
        "jobs": "compile jobs of a build from source (default: what this host's memory bears)",
        "arch": "CUDA architectures of a build from source, such as 90-real (default: this host's GPUs)",
        "locked": "make exactly what trtllm.lock.json locks, and refuse anything else",
        "verify": "only look into this image and compare it with the release it is, or with --tag",
        "json": "as data; with --dry, the plan",
    },
)
def image(
    c: Context,
    tag: str = "",
    from_: str = "",
    name: str = "",
    registry: str = "",
    jobs: int = 0,
    arch: str = "",
    locked: bool = False,
    verify: str = "",
    json: bool = False,
) -> None:
    """Make the matched, verified image of a release: pulled or built from source. `--dry` prints every command."""
    with told():
        from environment.images.order import ordered
        from environment.workspace import current

        if verify:
            verify_image(verify, tag, json=json)
        workspace = current(ROOT).root
        registry = registry or c.config.get("image", {}).get("registry", "")
        order = ordered(tag=tag, way=from_, name=name, registry=registry, jobs=jobs, architectures=arch)
        if c.config.run.dry:
            from environment import machine
            from environment.images.planning import plan

            tell_plan(plan(order, machine.this(), workspace), json=json)
        else:
            from environment.images import inspection, lock, making

            file = ROOT / lock.NAME
            made = making.make(lock.pinned(order, file) if locked else order, workspace)
            if locked:
                lock.refuse_differences(file, order.name, current(ROOT).checkpoints)
            inspection.tell_made(order.name, made, json=json)


def verify_image(reference: str, tag: str, *, json: bool) -> NoReturn:
    """Looks into one image, says what was found, and ends with its exit code."""
    from environment.images import inspection

    found = inspection.inspect(reference, tag)
    inspection.tell(found, json=json)
    raise Exit(code=found.code)


@task(help={"tag": "the release whose image is locked", "name": "the image's name (default: trtllm:TAG)"})
def lock(c: Context, tag: str = "", name: str = "") -> None:
    """Write trtllm.lock.json: which image exactly, from what, and what was found inside."""
    with told():
        from environment.console import say
        from environment.images import lock
        from environment.images.order import ordered
        from environment.workspace import current

        order = ordered(tag=tag, way="", name=name, registry="", jobs=0, architectures="")
        locked = lock.taken(order.name, current(ROOT).checkpoints)
        lock.write(locked, ROOT / lock.NAME)
        say(f"{lock.NAME}: {order.name} is {locked.image.id}")


@task(
    help={
        "repository": "its id on the hub, such as Qwen/Qwen2-7B-Instruct",
        "into": "the folder it is to become",
        "revision": "the commit",
        "kind": "model, dataset or space",
        "include": "only files like this (repeat for more)",
        "hub": "huggingface (HF_ENDPOINT, HF_TOKEN) or modelscope",
    },
    iterable=["include"],
    auto_shortflags=False,
)
def fetch(
    c: Context,
    repository: str,
    into: str,
    include: list[str],
    revision: str = "main",
    kind: str = "model",
    hub: str = "huggingface",
) -> None:
    """Download a checkpoint or data set: resumed, every file checked, whole before it has its name."""
    with told():
        from recipes.fetching import fetch, shown
        from recipes.hub import Wanted, hub_of

        wanted = Wanted(repository=repository, revision=revision, kind=kind, include=tuple(include), hub=hub_of(hub))
        fetch(wanted, Path(into).absolute(), shown())


@task(
    help={
        "prune": "show what is left over; with --yes remove it",
        "yes": "really remove",
        "finish": "a step of plans: the engine to verify and move to its place",
        "asked": "with --finish: what it was asked to be, as JSON",
        "json": "as data",
    },
    auto_shortflags=False,
)
def engines(
    c: Context, prune: bool = False, yes: bool = False, finish: str = "", asked: str = "", json: bool = False
) -> None:
    """List the finished engines with size, age and what they serve on; `--prune` shows what could go."""
    with told():
        import time

        from environment.console import result, result_json, say
        from environment.workspace import current
        from recipes import engine_store

        if finish:
            say(f"{finish}: verified, on compute capability {engine_store.publish(Path(finish), asked).compute}")
            return
        space = current(ROOT)
        listed, left = engine_store.rows(space, time.time()), engine_store.remains(space) if prune else ()
        if json:
            result_json("engines/1", engine_store.document(listed, left))
        else:
            result(engine_store.table(listed, left))
        if prune and yes:
            engine_store.remove(left)


@task(
    help={"new": "the name of your recipe", "from": "the recipe to begin with", "into": "the folder to write it to"},
    auto_shortflags=False,
)
def recipe(c: Context, new: str, from_: str, into: str = ".") -> None:
    """Begin a recipe of your own: a file for --recipe-file."""
    with told():
        from environment.console import result
        from recipes.drafting import draft

        result(str(draft(new, from_, Path(into).absolute())))


@task(help={"json": "as data"})
def recipes(c: Context, json: bool = False) -> None:
    """List the recipes: the models that can be built and served."""
    with told():
        from environment.console import result, result_json
        from recipes.catalogue import rows, table

        result_json("recipes/1", {"recipes": rows()}) if json else result(table())


SAMPLING = {
    "max-tokens": "the longest answer",
    "min-tokens": "the shortest answer",
    "temperature": "above 0: tokens are drawn; nothing said: the engine's own choice, greedy",
    "top-k": "draw from the K likeliest",
    "top-p": "draw from the likeliest that add up to P",
    "seed": "the same draw again",
    "stop": "a word that ends the answer and is left out; may be given again",
    "system": "what the model is told first",
}


def manner_of(options: dict[str, Any]) -> Manner:
    """How an answer is to be made, as a task's options say."""
    from recipes.ask import Manner

    names = ("min_tokens", "temperature", "top_k", "top_p", "seed")
    said = tuple((name, options[name]) for name in names if options[name])
    stop = tuple(options["stop"] or ())
    return Manner(max_tokens=options["max_tokens"], stop=stop, system=options["system"], options=said)


@task(
    help={
        "question": "what to ask",
        "name": "which server, when several run",
        **SAMPLING,
        "json": "the answer and its times as data",
        "no-stream": "in one piece over HTTP: for servers whose decoupled mode is off",
        "url": "HOST:PORT of any Triton's gRPC (with --no-stream: HTTP) instead of a recorded server",
        "model": "with --url: the model to ask",
        "model-dir": "with --url: the checkpoint whose chat template is used",
    },
    iterable=["stop"],
)
def ask(
    c: Context,
    question: str,
    stop: list[str] | None = None,
    name: str = "",
    max_tokens: int = 128,
    min_tokens: int = 0,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 0.0,
    seed: int = 0,
    system: str = "",
    json: bool = False,
    no_stream: bool = False,
    url: str = "",
    model: str = "ensemble",
    model_dir: str = "",
) -> None:
    """Ask a running server; the answer streams to standard output."""
    manner = manner_of(locals())
    with told():
        from environment.workspace import current
        from recipes.ask import Target, show_answer, show_data, show_whole, target
        from recipes.runs import choose

        elsewhere = Target(address=url, model=model, tokenizer=model_dir)
        to = elsewhere if url else target(choose(current(ROOT).runs, name))
        if json:
            show_data(to, question, manner)
        elif no_stream:
            show_whole(to, question, manner)
        else:
            show_answer(to, question, manner=manner)


@task(
    help={"name": "which server, when several run", **SAMPLING},
    iterable=["stop"],
)
def chat(
    c: Context,
    stop: list[str] | None = None,
    name: str = "",
    max_tokens: int = 512,
    min_tokens: int = 0,
    temperature: float = 0.0,
    top_k: int = 0,
    top_p: float = 0.0,
    seed: int = 0,
    system: str = "",
) -> None:
    """Talk with a running server; Ctrl-C ends an answer, Ctrl-D the talk; /clear, /system TEXT."""
    manner = manner_of(locals())
    with told():
        from environment.workspace import current
        from recipes.ask import target
        from recipes.chat import chat as talk
        from recipes.runs import choose

        talk(target(choose(current(ROOT).runs, name)), manner, lambda: input("> " if sys.stdin.isatty() else ""))


@task(help={"json": "as data"})
def status(c: Context, json: bool = False) -> None:
    """Show the servers that run: name, state, address, how long."""
    with told():
        from environment.console import result, result_json
        from environment.workspace import current
        from recipes.status import seen, table

        servers = seen(current(ROOT).runs)
        if json:
            result_json("status/1", {"servers": servers})
        else:
            result(table(servers))


@task(
    help={
        "name": "which server, when several run",
        "follow": "go on as it grows",
        "lines": "how many of the last lines",
    }
)
def logs(c: Context, name: str = "", follow: bool = False, lines: int = 50) -> None:
    """Show a server's log; `--follow` goes on until Ctrl-C or the server's end."""
    with told():
        from environment.workspace import current
        from recipes.logs import show

        show(current(ROOT).runs, name, lines=lines, follow=follow)


@task(help={"name": "which server, when several run", "every": "all of them"})
def stop(c: Context, name: str = "", every: bool = False) -> None:
    """Stop a running server."""
    with told():
        from environment.console import say
        from environment.workspace import current
        from recipes import runs
        from recipes.openai import process

        folder = current(ROOT).runs
        for run in runs.living(folder) if every else [runs.choose(folder, name)]:
            process.stop(folder, run.name)
            runs.stop(folder, run)
            say(f"{run.name} stopped.")


@task(
    help={
        "name": "which server, when several run",
        "port": "where to listen on the loopback address",
        "key-file": "a file with the API key that clients must send (or the variable TRTLLM_OPENAI_KEY)",
        "expose": "listen on every address; only with an API key",
        "at-once": "answers under way at once",
        "waiting": "requests in line beyond those; the next is refused",
        "seconds": "the longest an answer may take",
        "body": "the largest request in bytes",
    }
)
def openai(
    c: Context,
    name: str = "",
    port: int = 9000,
    key_file: str = "",
    expose: bool = False,
    at_once: int = 64,
    waiting: int = 256,
    seconds: float = 600.0,
    body: int = 1 << 20,
) -> None:
    """Stand an OpenAI-compatible endpoint before a running server, until Ctrl-C or the server's stop."""
    with told():
        from environment.workspace import current
        from recipes.openai.admission import Limits
        from recipes.openai.process import key, run_here
        from recipes.runs import choose

        limits = Limits(body=body, seconds=seconds, at_once=at_once, waiting=waiting)
        runs = current(ROOT).runs
        run_here(runs, choose(runs, name), port=port, secret=key(key_file), expose=expose, limits=limits)
