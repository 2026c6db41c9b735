"""What a rehearsal says to the person watching."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from environment.console import say
from environment.home import expanded
from environment.signals import terminable
from environment.workspace import PROJECT, Workspace
from recipes import running
from recipes.ask import Manner, show_answer, target
from recipes.crash import noticed
from recipes.deployment import Deployment
from recipes.quality import gate
from recipes.quality.reference import computing, patience
from recipes.rehearsal.binary import refuse_unreadable
from recipes.rehearsal.checkpoint import shipped_for
from recipes.rehearsal.rehearse import Rehearsal, rehearse
from recipes.runs import Run

PROVES = "A rehearsal proves the deployment, the templates, the tokenizer and the client; not the TensorRT engine."


def run_and_ask(
    deployment: Deployment, model_dir: str, *, templates: str, question: str, max_tokens: int | None, quality: bool
) -> None:
    """Rehearses (`model_dir`: the user's checkpoint), asks the question, and says what can be done next.

    `quality`: its answers are held against the checkpoint's own, too.
    """
    manner = Manner() if max_tokens is None else Manner(max_tokens=max_tokens)
    asked, space, begun = rehearsal(deployment, model_dir, templates), deployment.workspace, time.monotonic()
    refuse_unreadable((space.root, asked.checkpoint, PROJECT))
    say(f"Rehearsing {asked.recipe} as TensorRT-LLM {asked.release} serves it: real Triton, a CPU engine.")
    if deployment.world_size > 1:
        say(f"One process stands for the {deployment.world_size} ranks: --dry shows what each of them is given.")
    with terminable(), computing(asked.checkpoint, space.checkpoints) as own:
        run, new = rehearse(asked, space, own.begin if quality else None)
        with good_or_gone(run, space if new else None), noticed(space.runs, run):
            first_answer(run, question or deployment.recipe.question.text, manner)
            if quality:
                gate.hold(run, own, patience(time.monotonic() - begun), space.runs, gate.REHEARSAL)
    say(f"\n{PROVES}")


@contextmanager
def good_or_gone(run: Run, ours: Workspace | None) -> Iterator[None]:
    """A server of `ours`, started for this, does not outlive a failure or an interrupt of its first answers."""
    try:
        yield
    except BaseException:
        if ours is not None:
            running.stop(ours.runs, run)
        raise


def first_answer(run: Run, question: str, manner: Manner) -> None:
    """Asks, and shows the answer as it comes."""
    say(f"\n> {question}")
    show_answer(target(run), question, manner)


def rehearsal(deployment: Deployment, model_dir: str, templates: str) -> Rehearsal:
    """The rehearsal of a deployment: its name, release and ports, on the user's checkpoint or the shipped one."""
    return Rehearsal(
        name=deployment.name,
        recipe=deployment.recipe_name,
        release=deployment.release.tag,
        ports=asdict(deployment.ports),
        checkpoint=expanded(model_dir) if model_dir else shipped_for(deployment.recipe),
        max_batch_size=deployment.max_batch_size,
        allow_remote_code=deployment.allow_remote_code,
        templates=expanded(templates) if templates else None,
    )
