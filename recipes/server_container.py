"""The container of a recorded server: whether it is there, how it is, what it logs, and its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from environment.docker_errors import DockerTrouble
from recipes import runs
from recipes.condition import Condition
from recipes.runs import Run

if TYPE_CHECKING:
    from environment.container import Engine

STOPPED_WITHIN = 20  # seconds a server has for the answers under way before it is killed


def engine_of(run: Run) -> Engine:
    """The engine that the server was started on, whatever this shell's DOCKER_HOST says."""
    from environment.container import connect

    return connect(run.settings.get("docker_host"))


def there(run: Run) -> bool:
    """Whether its container exists; an engine that does not answer now is no proof that it does not."""
    from environment.containers import state

    try:
        return state(engine_of(run), run.container) is not None
    except DockerTrouble:
        return True


def ended(run: Run) -> str:
    """How the container ended; empty while it runs, and when its engine does not say."""
    from environment.containers import state

    try:
        found = state(engine_of(run), run.container)
    except DockerTrouble:
        return ""
    return "is gone" if found is None else "" if found.running else str(found)


def condition(run: Run) -> Condition:
    """What the engine says of the container now."""
    from environment.containers import memory, state

    try:
        engine = engine_of(run)
        found = state(engine, run.container)
        if found is None or not found.running:
            return Condition(ended=str(found or "gone"))
        used = memory(engine, run.container)
    except DockerTrouble as trouble:
        return Condition(ended=f"unknown: {trouble.what}")
    return Condition(since=found.started, memory=used, limit=found.memory_limit, restarts=found.restarts)


def stop(run: Run) -> None:
    """Ends the container: asked first, killed after some seconds, and removed with its network."""
    from environment import containers, networks

    engine = engine_of(run)
    containers.stop(engine, run.container, STOPPED_WITHIN)
    networks.remove(engine, run.container)


def show_log(run: Run, *, lines: int, follow: bool) -> None:
    """The container's log on standard output."""
    from environment.containers import output

    for piece in output(engine_of(run), run.container, follow=follow, lines=lines):
        sys.stdout.write(piece.decode("utf-8", "replace"))
        sys.stdout.flush()


def keep_log(run: Run, folder: Path) -> Path | None:
    """Writes the container's log where `invoke logs` finds it after the container; None when that cannot be."""
    from environment.containers import output

    path = runs.folder(folder, run.name) / runs.LOG
    try:
        with path.open("wb") as file:
            file.writelines(output(engine_of(run), run.container))
    except (DockerTrouble, OSError):
        return None
    return path
