"""Starts the real tritonserver, watches it become ready, and leaves nothing behind when it does not."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from environment.errors import Trouble
from environment.signals import interrupts_held
from recipes import processes
from recipes.ports import says_yes
from recipes.rehearsal.binary import Command

LOADED = re.compile(rb"successfully loaded '([^']+)'")  # triton-inference-server/core, model_lifecycle.cc
FAILED_TO_LOAD = "failed to load '"
LAST_LINES = 20
LONGEST = 300  # characters of one of them
FRAMES = r"\n\nAt:\n"  # python_backend: pb_exception.h; the log escapes line ends
TABLE = ("| ", "+--")  # what Triton was started with, and its models again: the lines above say it shorter
POLL = 0.02  # seconds
Told = Callable[[str], None]


@contextmanager
def started(command: Command, log: Path, record: Callable[[int], None]) -> Iterator[subprocess.Popen[bytes]]:
    """The server, in a session of its own, so that an interrupt of this terminal does not reach it.

    `record` is called with its process id at once. When the block fails or is interrupted, the server is ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file, interrupts_held() as release:
        process = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.env},
            start_new_session=True,
            cwd=log.parent,
        )
        with processes.ended_unless_good(process):
            record(process.pid)
            release()
            yield process


@dataclass
class Watch:
    """Reads a growing log and says each model once, as it is loaded."""

    log: Path
    told: Told
    read: int = 0
    models: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Reads what was written since the last look."""
        with self.log.open("rb") as file:
            file.seek(self.read)
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self.read += whole
        for found in LOADED.finditer(text[:whole]):
            self.models.append(found[1].decode())
            self.told(f"  loaded {self.models[-1]}")


def wait_ready(process: subprocess.Popen[bytes], port: int, log: Path, told: Told, timeout: float) -> None:
    """Returns when the server and its models are ready; raises Trouble with its last lines when it dies or is late."""
    watch, deadline = Watch(log, told), time.monotonic() + timeout
    while not answers(process.pid, port):
        watch.look()
        if process.poll() is not None:
            raise _failed(f"tritonserver ended with exit code {process.returncode} before it was ready", log)
        if time.monotonic() > deadline:
            raise _failed(f"tritonserver was not ready within {timeout:g} s", log)
        time.sleep(POLL)
    watch.look()


def answers_ready(port: int) -> bool:
    """Whether Triton says at its HTTP port that everything is ready (KServe v2: GET v2/health/ready)."""
    return says_yes(port, "/v2/health/ready")


def answers(process: int, port: int) -> bool:
    """Whether it is this very server that says so: another may have taken the port since it was seen to be free."""
    return answers_ready(port) and processes.listens(process, port)


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """Why models did not load, which Triton says long before it ends, and the end of the log."""
    with log.open(encoding="utf-8", errors="replace") as file:
        lines = [shortened(line.rstrip("\n")) for line in file if not line.startswith(TABLE)]
    reasons = [line for line in lines[:-count] if FAILED_TO_LOAD in line]
    return "\n".join([*reasons, *lines[-count:]]).rstrip()


def shortened(line: str) -> str:
    """A line without the Python frames that Triton writes behind an error, and no longer than a person reads."""
    said = line.partition(FRAMES)[0]
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."


def _failed(what: str, log: Path) -> Trouble:
    why = "it was stopped and nothing of it is left running; the log stays"
    return Trouble(f"{what}; its last lines:\n{last_lines(log)}", where=str(log), why=why, mend=f"less {log}", log=log)
