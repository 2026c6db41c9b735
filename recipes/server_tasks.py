"""The tasks about servers that run: see them, read their logs, end them, stand an OpenAI endpoint before one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Context, task

from environment.workspace import current
from recipes.deploying import UNSAID

if TYPE_CHECKING:
    from recipes.status import Told


@task(help={"json": "as data", "watch": "again every two seconds, until Ctrl-C"})
def status(c: Context, json: bool = False, watch: bool = False) -> None:
    """Show the servers that run: health, models, GPUs, memory, address, how long."""
    import time
    from contextlib import suppress

    from environment.console import clear
    from recipes.status import EVERY

    told: Told = {}
    if not watch:
        show_status(told, json=json)
        return
    with suppress(KeyboardInterrupt):
        while True:
            clear()
            show_status(told, json=json)
            time.sleep(EVERY)


def show_status(told: Told, *, json: bool) -> None:
    """The servers as they are now, for the person or the next program; `told` is what the look before told of ends."""
    from environment.console import result, result_json
    from recipes.status import seen, table

    servers = seen(current().runs, told)
    result_json("status/1", {"servers": servers}) if json else result(table(servers))


@task(
    help={
        "name": "which server, when several run",
        "follow": "go on as it grows",
        "lines": "how many of the last lines",
    }
)
def logs(c: Context, name: str = "", follow: bool = False, lines: int = 50) -> None:
    """Show a server's log; `--follow` goes on until Ctrl-C or the server's end."""
    from recipes.logs import show

    show(current().runs, name, lines=lines, follow=follow)


@task(help={"name": "which server, when several run", "every": "all of them"})
def stop(c: Context, name: str = "", every: bool = False) -> None:
    """Stop a running server."""
    from environment.console import say
    from recipes import chosen, running, runs, server_network
    from recipes.openai import process

    folder = current().runs
    server_network.clear_left()
    try:
        meant = running.living(folder) if every else [chosen.choose(folder, name)]
    finally:
        runs.dismiss(folder, name)
    for run in meant:
        process.stop(folder, run.name)
        running.stop(folder, run)
        say(f"{run.name} stopped.")


@task(
    help={
        "name": "which server, when several run",
        "port": "where to listen on the loopback address (default: 9000, or the next beside another endpoint)",
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
    port: int = UNSAID,
    key_file: str = "",
    expose: bool = False,
    at_once: int = 64,
    waiting: int = 256,
    seconds: float = 600.0,
    body: int = 1 << 20,
) -> None:
    """Stand an OpenAI-compatible endpoint before a running server, until Ctrl-C or the server's stop."""
    from recipes.chosen import answering
    from recipes.deployment import refuse_impossible
    from recipes.openai.admission import Limits
    from recipes.openai.process import key, port_for, run_here

    runs = current().runs
    port = port_for(runs) if port == UNSAID else port
    refuse_impossible({"openai": port})
    limits = Limits(body=body, seconds=seconds, at_once=at_once, waiting=waiting)
    run_here(runs, answering(runs, name), port=port, secret=key(key_file), expose=expose, limits=limits)
