"""The tasks about what is kept: recipes, fetched checkpoints, finished engines, and what making them took."""

from __future__ import annotations

from pathlib import Path

from invoke import Context, task

from environment.workspace import current


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
    include: list[str] | None = None,
    revision: str = "main",
    kind: str = "model",
    hub: str = "huggingface",
) -> None:
    """Download a checkpoint or data set: resumed, every file checked, whole before it has its name."""
    from recipes.fetching import fetch, shown
    from recipes.hub import Wanted, hub_of, kind_of

    files = tuple(include or ())
    wanted = Wanted(repository=repository, revision=revision, kind=kind_of(kind), include=files, hub=hub_of(hub))
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
    import time

    from environment.console import result, result_json, say
    from recipes import engine_list, engine_store

    if finish:
        say(f"{finish}: verified, on compute capability {engine_store.publish(Path(finish), asked).compute}")
        return
    space = current()
    listed, left = engine_list.rows(space, time.time()), engine_store.remains(space) if prune else ()
    if json:
        result_json("engines/1", engine_list.document(listed, left))
    else:
        result(engine_list.table(listed, left))
    if prune and yes:
        engine_store.remove(left)


@task(help={"name": "whose (default: what was at work last)", "json": "as data"})
def steps(c: Context, name: str = "", json: bool = False) -> None:
    """Show what each step of the last build or serve took: time, peak memory, disk, and where its log is."""
    from environment.console import result, result_json
    from environment.step_records import document, latest, table

    found = latest(current().runs, name)
    result_json("steps/1", document(found)) if json else result(table(found))


@task(
    help={"new": "the name of your recipe", "from": "the recipe to begin with", "into": "the folder to write it to"},
    auto_shortflags=False,
)
def recipe(c: Context, new: str, from_: str, into: str = ".") -> None:
    """Begin a recipe of your own: a file for --recipe-file."""
    from environment.console import result
    from recipes.drafting import draft

    result(str(draft(new, from_, Path(into).absolute())))


@task(help={"json": "as data"})
def recipes(c: Context, json: bool = False) -> None:
    """List the recipes: the models that can be built and served."""
    from environment.console import result, result_json
    from recipes.catalogue import rows, table

    result_json("recipes/1", {"recipes": rows()}) if json else result(table())
