"""The servers that run, as rows."""

from __future__ import annotations

import time
from pathlib import Path

from recipes import runs
from recipes.rehearsal.server import answers_ready
from recipes.runs import Run


def seen(folder: Path) -> list[dict[str, object]]:
    """Each living server with its state now; stale records are removed on the way."""
    return [row(run) for run in runs.living(folder)]


def row(run: Run) -> dict[str, object]:
    """One server: `state` is `ready` when Triton says so, else `starting` or how its container ended."""
    return {
        "name": run.name,
        "state": state(run),
        "kind": "rehearsal" if run.rehearsal else "GPU",
        "recipe": run.recipe,
        "release": run.release,
        "process": run.process,
        "grpc": run.address,
        "http": run.http,
        "metrics": run.metrics,
        "model": run.model,
        "container": run.container,
        "world_size": int(run.settings.get("world_size", 1)),
        "gpus": run.settings.get("gpus", ""),
        "engine": run.settings.get("engine", ""),
        "up": round(time.time() - run.started, 1),
    }


def state(run: Run) -> str:
    """`ready`, `starting`, or what the Docker Engine says of a container that does not run."""
    if answers_ready(run.http):
        return "ready"
    if not run.container:
        return "starting"
    from recipes.container_runs import told_state

    return told_state(run) or "starting"


COLUMNS = ("name", "state", "kind", "release", "grpc", "http", "process", "up")


def table(servers: list[dict[str, object]]) -> str:
    """The rows under their headings, or what to do when there are none."""
    if not servers:
        return "no server is running; start one: ./inv serve qwen2 --rehearse"
    rows = [COLUMNS, *(tuple(_text(name, server[name]) for name in COLUMNS) for server in servers)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in rows
    )


def _text(name: str, value: object) -> str:
    if name != "up" or not isinstance(value, float):
        return str(value)
    minutes, seconds = divmod(int(value), 60)
    return f"{minutes // 60}h {minutes % 60}m" if minutes >= 60 else f"{minutes}m {seconds}s"
