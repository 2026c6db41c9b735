"""Containers that do a plan's work: run to their end with a log, or left running; looked at, read and ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from environment.container import Engine, explained
from environment.docker_errors import DockerTrouble
from environment.docker_run import Launch
from environment.image_layout import MADE_BY
from environment.metering import watched

DAYS = 14 * 24 * 3600  # seconds: an engine build may take hours, and a log may be silent for as long
STARTED_WITHIN = 180  # seconds: GPUs that are off wake up one by one, and a host that has just booted is busy
KILLED_AFTER = 10  # seconds between asking a container to end and ending it


@dataclass(frozen=True, kw_only=True)
class State:
    """A container as its engine sees it. `process` is 0 when it does not run; `started` in seconds since the epoch.

    `restarts` counts how often the engine has started it again; `memory_limit` is in bytes, where it has one.
    """

    status: str
    running: bool
    code: int
    killed_for_memory: bool
    process: int
    started: float
    restarts: int
    error: str
    image: str
    memory_limit: int | None = None

    def __str__(self) -> str:
        if self.running:
            return self.status
        cause = ", out of memory" if self.killed_for_memory else f": {self.error}" if self.error else ""
        return f"{self.status} with code {self.code}{cause}"


def start(engine: Engine, asked: Launch, note: Callable[[], None] = lambda: None) -> str:
    """Creates and starts a container; its id. One that does not start leaves nothing behind.

    `note` is called when it is there and before it runs: what runs was noted, whenever the power goes.
    """
    with explained(f"starting {asked.image}"), engine.patient(STARTED_WITHIN) as client:
        made = client.create_container(
            asked.image,
            list(asked.words),
            name=asked.one("--name") or None,
            user=asked.one("--user") or None,
            environment=variables(asked) or None,
            ports=list(asked.host_config()["port_bindings"]),
            labels={MADE_BY: "plan", **asked.labels},
            host_config=client.create_host_config(**given(asked.host_config())),
        )
        try:
            note()
            client.start(made["Id"])
        except BaseException:
            client.remove_container(made["Id"], force=True, v=True)
            raise
    return str(made["Id"])


def variables(asked: Launch) -> list[str]:
    """NAME=VALUE of every `--env-file` and `--env`; a bare NAME is this process's own, as Docker has it."""
    lines = [line.strip() for path in asked.all("--env-file") for line in Path(path).read_text("utf-8").splitlines()]
    said = [*(line for line in lines if line and not line.startswith("#")), *asked.all("--env")]
    return [text if "=" in text else f"{text}={os.environ.get(text, '')}" for text in said]


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something."""
    return {name: value for name, value in options.items() if value not in (None, [], {})}


def run(engine: Engine, asked: Launch, log: Path) -> int:
    """Runs a container to its end, its output into `log`, and removes it, also when interrupted; its exit code."""
    identity = start(engine, asked)
    try:
        with log.open("wb") as file, watched(partial(memory, engine, identity)):
            for piece in output(engine, identity, follow=True):
                file.write(piece)
                file.flush()
        with explained("waiting for the container's end"):
            return int(engine.client.wait(identity, timeout=KILLED_AFTER)["StatusCode"])
    finally:
        remove(engine, identity)


def memory(engine: Engine, name: str) -> int | None:
    """What a container has in memory now, in bytes and without the page cache, as `docker stats` counts it."""
    try:
        with explained(f"measuring {name}"):
            said: Any = engine.client.stats(name, stream=False, one_shot=True)
    except DockerTrouble:
        return None
    found = said.get("memory_stats") or {}
    pages = found.get("stats") or {}
    cached = pages.get("inactive_file", pages.get("total_inactive_file", 0))
    return max(int(found["usage"]) - int(cached), 0) if "usage" in found else None


def output(engine: Engine, name: str, *, follow: bool = False, lines: int | None = None) -> Iterator[bytes]:
    """What a container has written to both its streams, and with `follow` what it goes on to write."""
    tail: Any = "all" if lines is None else lines
    with explained(f"reading the log of {name}"), engine.patient(DAYS) as client:
        stream: Any = client.logs(name, stream=True, follow=follow, tail=tail)
        with closing(stream):
            yield from stream


def state(engine: Engine, name: str) -> State | None:
    """The container of that name or id; None when there is none."""
    try:
        with explained(f"looking at {name}"):
            found = engine.client.inspect_container(name)
    except DockerTrouble as trouble:
        if "no such container" in f"{trouble.what} {trouble.why}".lower():
            return None
        raise
    said = found["State"]
    return State(
        status=said["Status"],
        running=said["Running"],
        code=said["ExitCode"],
        killed_for_memory=said["OOMKilled"],
        process=said["Pid"],
        started=datetime.fromisoformat(said["StartedAt"].partition(".")[0].rstrip("Z") + "+00:00").timestamp(),
        restarts=found["RestartCount"],
        error=said["Error"],
        image=found["Config"]["Image"],
        memory_limit=found["HostConfig"]["Memory"] or None,
    )


def stop(engine: Engine, name: str, patience: int = KILLED_AFTER) -> None:
    """Asks the container to end, kills it after `patience` seconds, and removes it."""
    if state(engine, name) is None:
        return
    with explained(f"stopping {name}"):
        engine.client.stop(name, timeout=patience)
    remove(engine, name)


def remove(engine: Engine, name: str) -> None:
    """Removes a container, running or not; nothing when there is none."""
    with suppress(DockerTrouble), explained(f"removing {name}"):
        engine.client.remove_container(name, force=True, v=True)
