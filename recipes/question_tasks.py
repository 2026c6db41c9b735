"""The tasks that talk with a running server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from invoke import Context, task

from environment.workspace import current

if TYPE_CHECKING:
    from recipes.ask import Manner, Target
    from recipes.runs import Run


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
    from environment.console import typed
    from recipes.ask import Manner

    names = ("min_tokens", "temperature", "top_k", "top_p", "seed")
    said = tuple((name, options[name]) for name in names if options[name])
    stop = tuple(map(typed, options["stop"] or ()))
    return Manner(max_tokens=options["max_tokens"], stop=stop, system=typed(options["system"]), options=said)


def asked_of(options: dict[str, Any]) -> tuple[Target, Run | None]:
    """Who is to be asked, as a task's options say, and its record: what `--url` names has none."""
    from recipes.ask import elsewhere, target
    from recipes.chosen import answering

    names = ("name", "model", "accumulates", "model_dir", "recipe")
    if other := elsewhere(options["url"], **{name: options[name] for name in names}):
        return other, None
    run = answering(current().runs, options["name"])
    return target(run), run


@task(
    help={
        "question": "what to ask",
        "name": "which server, when several run",
        **SAMPLING,
        "json": "the answer and its times as data",
        "no-stream": "in one piece over HTTP: for servers whose decoupled mode is off",
        "url": "HOST:PORT of any Triton's gRPC (with --no-stream: HTTP) instead of a recorded server",
        "model": "with --url: the model to ask",
        "accumulates": "with --url: each response of the model repeats the answer so far",
        "model-dir": "with --url: the checkpoint whose chat template is used",
        "recipe": "with --url: the recipe that says what the checkpoint does not (NAME, NAME:VARIANT or FILE.toml)",
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
    model: str = "",
    accumulates: bool = False,
    model_dir: str = "",
    recipe: str = "",
) -> None:
    """Ask a running server; the answer streams to standard output."""
    manner, (to, run) = manner_of(locals()), asked_of(locals())
    from dataclasses import replace

    from environment.console import typed
    from environment.signals import terminable
    from recipes.ask import show_answer, show_data, show_whole
    from recipes.crash import noticed

    show = show_data if json else show_whole if no_stream else show_answer
    with terminable(), noticed(current().runs, run):
        show(replace(to, whole=no_stream), typed(question), manner)


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
    from functools import partial

    from environment.console import typed
    from recipes.ask import target
    from recipes.chat import chat as talk
    from recipes.chosen import answering
    from recipes.crash import noticed

    runs = current().runs
    run = answering(runs, name)
    read = partial(input, "> " if sys.stdin.isatty() else "")
    talk(target(run), manner, lambda: typed(read()), partial(noticed, runs, run))


@task(
    help={
        "name": "which server, when several run",
        "url": "HOST:PORT of any Triton's gRPC instead of a recorded server",
        "model": "with --url: the model to ask",
        "recipe": "with --url: the recipe, where it says how the model is talked to",
        "accumulates": "with --url: each response of the model repeats the answer so far",
        "model-dir": "with --url: the checkpoint that it serves",
        "compute": "compute what the checkpoint answers, on this CPU, unless it is known; then it is kept",
        "keep": "keep this server's answers as the checkpoint's own, such as a float16 engine's for its FP8 twin",
        "json": "as data",
    },
)
def quality(
    c: Context,
    name: str = "",
    url: str = "",
    model: str = "",
    model_dir: str = "",
    recipe: str = "",
    accumulates: bool = False,
    compute: bool = False,
    keep: bool = False,
    json: bool = False,
) -> None:
    """Hold a running server's answers against what its checkpoint itself answers. Exit code 3: not known."""
    to, run = asked_of(locals())
    from recipes.crash import noticed
    from recipes.quality import asking

    space = current()
    with noticed(space.runs, run):
        if keep:
            asking.keep(to, space, run)
        else:
            asking.hold(to, space, run, compute=compute, json=json)
