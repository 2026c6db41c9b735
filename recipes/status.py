"""The servers that run, as rows: health, models, GPUs, memory, how long."""

from __future__ import annotations

import time
from pathlib import Path

from environment.console import say
from environment.errors import in_words
from environment.layers import amount
from recipes import crash, health, processes, running
from recipes.condition import Condition
from recipes.rehearsal.server import answers_ready
from recipes.runs import Run

Told = dict[tuple[str, float], str]  # name and start of a server that has ended by itself -> what is told of it


def seen(folder: Path, told: Told | None = None) -> list[dict[str, object]]:
    """Each server that is there, as it is now. Of those that have ended by themselves it says why.

    `told` is what the look before told of them, whose logs are then not read again, and becomes what this one tells.
    """
    seen = running.look(folder)
    for trouble in seen.damaged:
        say(str(trouble), style="yellow")
    tell(folder, crash.lost(folder, seen), {} if told is None else told)
    return [row(run, condition(run), health.models(run.http)) for run in seen.living]


def tell(folder: Path, lost: list[Run], told: Told) -> None:
    """Says of each server that has ended by itself why, as `told` has it; what is not in it is found out."""
    by_event = {(run.name, run.started): run for run in lost}
    for event in told.keys() - by_event.keys():
        del told[event]
    for event, run in by_event.items():
        if event not in told:
            told[event] = in_words(crash.crash(folder, run))
        say(told[event], style="yellow")


def row(run: Run, now: Condition, models: tuple[health.Served, ...]) -> dict[str, object]:
    """One server: `ready` when Triton says so, else `starting`, or how its container ended. Bytes, seconds."""
    return {
        "name": run.name,
        "state": now.ended or ("ready" if answers_ready(run.http) else "starting"),
        "kind": "rehearsal" if run.rehearsal else "GPU",
        "recipe": run.recipe,
        "release": run.release,
        "process": run.process,
        "grpc": run.address,
        "http": run.http,
        "metrics": run.metrics,
        "model": run.model,
        "models": {model.name: model.state for model in models},
        "container": run.container,
        "world_size": int(run.settings.get("world_size", 1)),
        "gpus": run.settings.get("gpus", ""),
        "engine": run.settings.get("engine", ""),
        "memory": now.memory,
        "memory_limit": now.limit,
        "restarts": now.restarts,
        "up": None if now.since is None else round(time.time() - now.since, 1),
    }


def condition(run: Run) -> Condition:
    """What the system says of the server's container or process."""
    if not run.container:
        return Condition(since=run.started, memory=processes.memory(run.process))
    from recipes.server_container import condition as of_container

    return of_container(run)


EVERY = 2.0  # seconds between two looks of --watch
COLUMNS = ("name", "state", "models", "kind", "release", "ranks", "gpus", "memory", "up", "grpc", "http", "engine")


def table(servers: list[dict[str, object]]) -> str:
    """The rows under their headings, or what to do when there are none."""
    if not servers:
        return "no server is running; start one: ./inv serve qwen2 --rehearse"
    rows = [COLUMNS, *(tuple(cells(server)[name] for name in COLUMNS) for server in servers)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in rows
    )


def cells(server: dict[str, object]) -> dict[str, str]:
    """The row's values as the table shows them."""
    models = server["models"]
    states = list(models.values()) if isinstance(models, dict) else []
    return {
        **{name: str(value or "-") for name, value in server.items()},
        "models": f"{states.count('READY')}/{len(states)} ready" if states else "-",
        "ranks": str(server["world_size"]),
        "memory": sizes(server["memory"], server["memory_limit"]),
        "up": duration(server["up"]),
    }


def sizes(used: object, limit: object) -> str:
    """Memory in use, and of how much where there is a limit."""
    if not isinstance(used, int):
        return "-"
    return f"{amount(used)} of {amount(limit)}" if isinstance(limit, int) else amount(used)


def duration(seconds: object) -> str:
    """Seconds in words."""
    if not isinstance(seconds, float):
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s"
