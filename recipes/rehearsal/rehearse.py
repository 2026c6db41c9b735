"""`serve --rehearse`: real Triton, a release's model repository, a CPU engine in place of the TensorRT engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from environment.console import say
from environment.errors import Trouble
from environment.workspace import Workspace
from recipes import chosen, crash, ports, processes, running, runs
from recipes.rehearsal import binary, server
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.preparation import Material, Prepared, prepare
from recipes.runs import Run

READY_WITHIN = 120.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What is to be served, under which name and ports (`http`, `grpc`, `metrics`)."""

    name: str
    recipe: str
    release: str
    ports: Mapping[str, int] = field(default_factory=lambda: {"http": 8000, "grpc": 8001, "metrics": 8002})
    checkpoint: Path = SHIPPED
    templates: Path | None = None
    max_batch_size: int = 8
    allow_remote_code: bool = False
    ready_within: float = READY_WITHIN

    @property
    def settings(self) -> dict[str, str]:
        """What makes two rehearsals of one name the same."""
        said = {**asdict(self), **self.ports}
        named = ("recipe", "release", "checkpoint", "templates", "max_batch_size", *self.ports)
        return {key: str(said[key]) for key in named}

    @property
    def material(self) -> Material:
        """What has to be on disk for it."""
        return Material(
            checkpoint=self.checkpoint,
            release=self.release,
            templates=self.templates,
            max_batch_size=self.max_batch_size,
            allow_remote_code=self.allow_remote_code,
        )


def rehearse(asked: Rehearsal, workspace: Workspace, beside: Callable[[], None] | None = None) -> tuple[Run, bool]:
    """The run that serves what is asked and is ready, and whether it was started now or was there already.

    `beside` is called while a new server starts: there is time for something else then.
    """
    with runs.exclusive(workspace.runs, asked.name):
        there = runs.read(workspace.runs, asked.name)
        if there is not None and running.alive(there):
            chosen.refuse_other(there, asked.settings)
            wait_for(there, workspace.runs, asked.ready_within)
            return there, False
        ports.refuse_taken(asked.ports)
        say(f"Checkpoint        {asked.checkpoint}")
        return start(asked, prepare(asked.material, workspace), workspace, beside), True


def wait_for(there: Run, folder: Path, within: float) -> None:
    """Returns when a server that another command started is ready; raises Trouble when it ends or is late."""
    deadline = time.monotonic() + within
    while not server.answers(there.process, there.http):
        if not running.alive(there) or time.monotonic() > deadline:
            crashed = crash.of(folder, there.name, why="it was started before, and had not become ready")
            raise crashed or Trouble(
                f"{there.name!r} was started before and is not ready",
                why="it goes on" if running.alive(there) else "it was stopped",
                mend=f"./inv logs --name {there.name}   says why; ./inv stop --name {there.name}   ends it",
            )
        time.sleep(server.POLL)


def start(asked: Rehearsal, prepared: Prepared, workspace: Workspace, beside: Callable[[], None] | None = None) -> Run:
    """Starts the server and waits until it is ready; one that does not get there leaves no process and no record."""
    log = runs.folder(workspace.runs, asked.name) / runs.LOG
    command = binary.command(prepared.repository, prepared.backends, asked.ports)
    say(f"Model repository  {prepared.repository}")
    say(f"Starting tritonserver (log: {log})")
    begun = time.monotonic()

    def record(process: int) -> None:
        runs.write(workspace.runs, recorded(asked, prepared, process))

    try:
        with server.started(command, log, record) as process:
            if beside:
                beside()
            import recipes.client  # noqa: F401 - while the server starts, so that the first question need not wait

            server.wait_ready(process, asked.ports["http"], log, say, asked.ready_within)
    except BaseException:
        runs.forget(workspace.runs, asked.name)
        raise
    run = recorded(asked, prepared, process.pid)
    say(f"Ready after {time.monotonic() - begun:.1f} s: gRPC {run.address}, model {run.model}")
    return run


def recorded(asked: Rehearsal, prepared: Prepared, process: int) -> Run:
    """The record of a server that was started just now."""
    return Run(
        name=asked.name,
        recipe=asked.recipe,
        release=asked.release,
        rehearsal=True,
        process=process,
        started=processes.started(process),
        born=processes.birth(process),
        container="",
        quality="",
        **asked.ports,
        model=prepared.front.model,
        accumulates=prepared.front.accumulates,
        tokenizer=str(asked.checkpoint),
        settings=asked.settings,
    )
