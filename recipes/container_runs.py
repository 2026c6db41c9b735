"""Plans of serve carried out in containers: started from the plan's own words, recorded, gone when that fails."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec

from environment.console import say
from environment.docker_run import Launch, launch
from environment.errors import Trouble
from environment.execution import Actor, carry_out, failed
from environment.execution import run as run_on_host
from environment.plan import Plan, Step
from environment.signals import terminable
from recipes import chosen, crash, engine_store, running, runs, server_network
from recipes.ask import Manner, Target, show_answer
from recipes.deployment import Deployment
from recipes.front import front_of
from recipes.launch import container_name
from recipes.local import ANSWER
from recipes.quality.gate import ENGINE, REHEARSAL
from recipes.quality.reference import computing
from recipes.quality.watch import Watch
from recipes.recipe import AS_IT_SAYS, chat_of
from recipes.runs import Run
from recipes.serve import READY_WITHIN
from recipes.server_container import condition, keep_log
from recipes.waiting import until_ready


def remaining(plan: Plan, deployment: Deployment, folder: Path, *, rehearsal: bool) -> Plan:
    """The plan; or only what comes after the start, when the very server that it makes runs already.

    Raises Trouble when a server of this name runs that was started otherwise.
    """
    there = runs.read(folder, deployment.name)
    at = next((place for place, step in enumerate(plan.steps) if step.tool == "docker"), None)
    if at is None or there is None or not there.container or condition(there).ended:
        return plan
    chosen.refuse_other(there, record(deployment, launch(plan.steps[at].argv), rehearsal=rehearsal).settings)
    return replace(plan, steps=plan.steps[at + 1 :])


def carry_out_watched(plan: Plan, deployment: Deployment, folder: Path, *, rehearsal: bool) -> None:
    """Carries a serving plan out, its records in `folder`; a server that is not ready or silent is ended."""
    repository = plan.names.get("repository", "")
    waiting = until_ready(container_name(deployment), deployment.ports.http, READY_WITHIN, plan.templates, repository)
    before = runs.read(folder, deployment.name)
    try:
        with terminable(), computing(Path(deployment.checkpoint_dir), deployment.workspace.checkpoints) as own:
            kind = REHEARSAL if rehearsal else ENGINE
            watch = Watch(own=own, name=deployment.name, folder=folder, kind=kind)
            acting = {**actors(plan, deployment, folder, rehearsal=rehearsal), **watch.actors(waiting)}
            carry_out(plan, folder / deployment.name / "steps", acting)
    except BaseException as error:
        begun = runs.read(folder, deployment.name)
        if begun is not None and (before is None or begun.started != before.started):
            log = keep_log(begun, folder)
            if isinstance(error, Trouble):
                error.log = error.log or log
            running.stop(folder, begun)
        server_network.clear(plan)
        raise


def actors(plan: Plan, deployment: Deployment, folder: Path, *, rehearsal: bool = False) -> dict[str, Actor]:
    """Who does the steps of a serving plan: containers through the SDK, the question in this terminal.

    `folder` is where what runs is recorded.
    """

    def start(words: tuple[str, ...], _: Step, __: Path) -> None:
        engine_store.checked(Path(deployment.engine_dir), engine_store.asked_of(deployment))
        start_server(launch(words), record(deployment, launch(words), rehearsal=rehearsal), folder)

    asking = partial(here_or_host, folder=folder, name=deployment.name)
    inside: dict[str, Actor] = {step.tool: in_container for step in plan.steps if step.where == "container"}
    ours: dict[str, Actor] = {server_network.TOOL: server_network.make, "docker": start, "invoke": asking}
    return {**inside, **ours, "fetch": partial(run_on_host, watch=say)}


def in_container(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Runs a tool of the image to its end; raises Trouble with its last words when it fails."""
    from environment.container import connect
    from environment.containers import run

    code = run(connect(), launch(words), log)
    if code:
        raise failed(step, words, code, log)


def here_or_host(words: tuple[str, ...], step: Step, log: Path, *, folder: Path, name: str) -> None:
    """Asks the smoke question in this terminal, where its answer streams; anything else is a command of its own.

    The server that is asked is recorded in `folder` under `name`.
    """
    if words[1] != "ask":
        run_on_host(words, step, log)
        return
    say(f"\n> {words[2]}")
    longest = int(words[words.index("--max-tokens") + 1]) if "--max-tokens" in words else ANSWER
    with crash.noticed(folder, runs.read(folder, name)):
        show_answer(asked_of(words), words[2], Manner(max_tokens=longest))


def asked_of(words: tuple[str, ...]) -> Target:
    """Whom a plan's `ask QUESTION --url ...` asks."""
    said = dict(pairwise(words))
    return Target(
        address=said["--url"],
        model=said["--model"],
        accumulates="--accumulates" in words,
        tokenizer=said["--model-dir"],
        chat=chat_of(said["--recipe"]) if "--recipe" in words else AS_IT_SAYS,
    )


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
        try:
            start(engine, asked, partial(runs.write, folder, run))
        except BaseException:
            remove(engine, name)
            runs.forget(folder, run.name)
            raise


def record(deployment: Deployment, asked: Launch, *, rehearsal: bool) -> Run:
    """What other commands need to know of the server; `settings` say what it was started as."""
    ports, front = deployment.ports, front_of(deployment.release.tag)
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
        model=front.model,
        accumulates=front.accumulates,
        tokenizer=deployment.checkpoint_dir,
        settings={
            "image": asked.image,
            "engine": deployment.engine_name,
            "world_size": str(deployment.world_size),
            "gpus": asked.one("--gpus").strip('"').removeprefix("device="),
            "max_seq_len": str(deployment.max_seq_len),
            "published": " ".join(asked.all("--publish")),
            "restart": asked.one("--restart"),
            "env_file": asked.one("--env-file"),
            "docker_host": os.environ.get("DOCKER_HOST", ""),
            "chat": msgspec.json.encode(deployment.recipe.chat).decode(),
        },
    )
