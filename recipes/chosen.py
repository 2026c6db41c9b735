"""The server that a person means, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from environment.console import say
from environment.errors import Trouble, Usage, unknown_name
from recipes import crash
from recipes.running import look
from recipes.runs import Run, read


def choose(runs: Path, name: str) -> Run:
    """The running server of that name, or the only one; raises Trouble when there is none, Usage when unclear.

    Raises Crashed for one that has ended by itself. A record that is damaged is Trouble for who names it.
    """
    if name:
        read(runs, name)
    seen = look(runs)
    gone = [run for run in seen.ended if name in {"", run.name}]
    there = {run.name: run for run in seen.living}
    if name and name in there:
        return there[name]
    if gone and (name or not there):
        raise crash.crash(runs, gone[0])
    if not there:
        raise Trouble("no server is running", mend="start one: ./inv serve qwen2 --rehearse")
    if name:
        raise unknown_name("server", name, there, mend="./inv status")
    if len(there) > 1:
        raise Usage(f"several servers are running: {', '.join(there)}", mend="say which: --name NAME")
    return next(iter(there.values()))


def answering(runs: Path, name: str) -> Run:
    """As `choose`; raises Crashed also for a server whose container has ended, with how it ended."""
    run = choose(runs, name)
    if run.container and (crashed := crash.of(runs, run.name)):
        raise crashed
    return run


def refuse_other(there: Run, settings: Mapping[str, str]) -> None:
    """Says that a running server is used as it is; raises Trouble when it was not started with these settings."""
    different = [
        f"{key} {there.settings.get(key) or 'unset'} -> {value or 'unset'}"
        for key, value in settings.items()
        if there.settings.get(key) != value
    ]
    if different:
        mend = f"./inv stop --name {there.name}, or serve it under another name: --name OTHER"
        raise Trouble(f"{there.name!r} is running with other settings: {', '.join(different)}", mend=mend)
    say(f"{there.name} is running already with these settings; it is used as it is.")


def stays_up(run: Run) -> None:
    """Says where a server that was started listens, and how it is asked, looked at and ended."""
    name = "" if run.name == run.recipe else f" --name {run.name}"
    say(f"\nListens on        {run.http} (HTTP), {run.grpc} (gRPC), {run.metrics} (metrics)")
    say(f'The server stays up:  ./inv ask "..."{name}   ./inv status   ./inv logs{name}   ./inv stop{name}')
