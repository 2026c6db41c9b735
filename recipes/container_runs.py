"""Servers that run in containers: started from a plan's own words, recorded, looked at, ended."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from environment.console import say
from environment.docker_errors import DockerTrouble
from environment.docker_run import Launch, launch
from environment.errors import Trouble
from environment.execution import Actor, carry_out, failed
from environment.execution import run as run_on_host
from environment.plan import Plan, Step
from recipes import runs
from recipes.ask import Manner, Target, show_answer
from recipes.deployment import Deployment
from recipes.quality.gate import ENGINE, REHEARSAL
from recipes.quality.reference import computing
from recipes.quality.watch import Watch
from recipes.recipe import AS_IT_SAYS, chat_of
from recipes.runs import Run
from recipes.serve import READY_WITHIN
from recipes.waiting import until_ready

ENSEMBLE = "ensemble"
STOPPED_WITHIN = 20  # seconds a server has for the answers under way before it is killed


def carry_out_watched(plan: Plan, deployment: Deployment, folder: Path, *, rehearsal: bool) -> None:
    """Carries a serving plan out, its records in `folder`; a server that is not ready or silent is ended."""
    waiting = until_ready(f"trtllm-{deployment.name}", deployment.ports.http, READY_WITHIN)
    before = runs.read(folder, deployment.name)
    try:
        with computing(Path(deployment.checkpoint_dir), deployment.workspace.checkpoints) as own:
            kind = REHEARSAL if rehearsal else ENGINE
            watch = Watch(own=own, name=deployment.name, folder=folder, kind=kind)
            acting = {**actors(plan, deployment, folder, rehearsal=rehearsal), **watch.actors(waiting)}
            carry_out(plan, folder / deployment.name / "steps", acting)
    except BaseException:
        begun = runs.read(folder, deployment.name)
        if begun is not None and begun != before:
            runs.stop(folder, begun)
        raise


def actors(plan: Plan, deployment: Deployment, folder: Path, *, rehearsal: bool = False) -> dict[str, Actor]:
    """Who does the steps of a serving plan: containers through the SDK, the question in this terminal.

    `folder` is where what runs is recorded.
    """

    def start(words: tuple[str, ...], _: Step, __: Path) -> None:
        start_server(launch(words), record(deployment, launch(words), rehearsal=rehearsal), folder)

    inside: dict[str, Actor] = {step.tool: in_container for step in plan.steps if step.where == "container"}
    return {**inside, "docker": start, "invoke": here_or_host, "fetch": partial(run_on_host, watch=say)}


def in_container(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Runs a tool of the image to its end; raises Trouble with its last words when it fails."""
    from environment.container import connect
    from environment.containers import run

    code = run(connect(), launch(words), log)
    if code:
        raise failed(step, words, code, log)


def here_or_host(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Asks the smoke question in this terminal, where its answer streams; anything else is a command of its own."""
    if words[1] != "ask":
        run_on_host(words, step, log)
        return
    options = dict(zip(words[3::2], words[4::2], strict=True))
    say(f"\n> {words[2]}")
    manner = Manner(max_tokens=int(options.get("--max-tokens", "128")))
    chat = chat_of(options["--recipe"]) if "--recipe" in options else AS_IT_SAYS
    show_answer(Target(address=options["--url"], tokenizer=options["--model-dir"], chat=chat), words[2], manner)


def start_server(asked: Launch, run: Run, folder: Path) -> None:
    """Starts the server's container and records it; what is left of an ended one of its name gives way."""
    from environment.container import connect
    from environment.containers import remove, start, state

    engine, name = connect(), asked.one("--name")
    with runs.exclusive(folder, run.name):
        there = state(engine, name)
        if there is not None and there.running:
            mend = f"./inv stop --name {run.name}, or serve it under another name: --name OTHER"
            raise Trouble(f"the server {run.name!r} is running already, in the container {name}", mend=mend)
        remove(engine, name)
        start(engine, asked)
        runs.write(folder, run)


def record(deployment: Deployment, asked: Launch, *, rehearsal: bool) -> Run:
    """What other commands need to know of the server; `settings` say what it was started as."""
    ports = deployment.ports
    return Run(
        name=deployment.name,
        recipe=deployment.recipe_name,
        release=deployment.release.tag,
        rehearsal=rehearsal,
        process=0,
        started=time.time(),
        container=asked.one("--name"),
        http=ports.http,
        grpc=ports.grpc,
        metrics=ports.metrics,
        model=ENSEMBLE,
        tokenizer=deployment.checkpoint_dir,
        settings={
            "image": asked.image,
            "engine": deployment.engine_name,
            "world_size": str(deployment.world_size),
            "gpus": asked.one("--gpus").strip('"').removeprefix("device="),
            "max_seq_len": str(deployment.max_seq_len),
            "docker_host": os.environ.get("DOCKER_HOST", ""),
            "chat": msgspec.json.encode(deployment.recipe.chat).decode(),
        },
    )


def there(run: Run) -> bool:
    """Whether its container exists; an engine that does not answer now is no proof that it does not."""
    from environment.container import connect
    from environment.containers import state

    try:
        return state(connect(), run.container) is not None
    except DockerTrouble:
        return True


def told_state(run: Run) -> str:
    """What the engine says of a container that is not running; empty when it runs."""
    from environment.container import connect
    from environment.containers import state

    try:
        found = state(connect(), run.container)
    except DockerTrouble:
        return "the Docker Engine does not answer"
    return "gone" if found is None else "" if found.running else str(found)


def stop(run: Run) -> None:
    """Ends the container: asked first, killed after some seconds, and removed."""
    from environment import containers
    from environment.container import connect

    containers.stop(connect(), run.container, STOPPED_WITHIN)


def show_log(run: Run, *, lines: int, follow: bool) -> None:
    """The container's log on standard output."""
    from environment.container import connect
    from environment.containers import output

    for piece in output(connect(), run.container, follow=follow, lines=lines):
        sys.stdout.write(piece.decode("utf-8", "replace"))
        sys.stdout.flush()
