"""The gateway as a process: in this terminal or behind it, recorded beside the server it stands before."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from environment.console import say
from environment.data import Record, read_json
from environment.errors import Trouble, Usage
from environment.home import expanded
from environment.staging import write_whole
from recipes import processes, runs
from recipes.openai.admission import Limits
from recipes.ports import HOST, refuse_taken, says_yes
from recipes.runs import Run
from recipes.side_by_side import first

ROOT = Path(__file__).parents[2]
RECORD, LOG = "openai.json", "openai.log"
KEY = "TRTLLM_OPENAI_KEY"
WRITES_A_KEY = "(umask 077; openssl rand -hex 32 >FILE)   writes one"
USUAL = 9000
READY_WITHIN = 30.0  # seconds
LOOK = 0.5  # seconds between two looks for the server's record


class Ending(Protocol):
    """A server that ends when it is told."""

    should_exit: bool


class Endpoint(Record, frozen=True, kw_only=True):
    """A gateway that runs: its process and where it listens."""

    process: int
    started: float
    born: str = ""
    host: str
    port: int

    @property
    def url(self) -> str:
        """What an OpenAI client takes as its base URL."""
        return f"http://{self.host}:{self.port}/v1"


def key(file: str) -> str:
    """The API key that clients must send: from a file, else from the environment; never from the command line."""
    if not file:
        return os.environ.get(KEY, "")
    try:
        found = expanded(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"the key file cannot be read: {error}", where=file, mend=WRITES_A_KEY) from error
    if not found:
        raise Usage("the key file is empty", where=file, mend=WRITES_A_KEY)
    return found


def run_here(folder: Path, run: Run, *, port: int, secret: str, expose: bool, limits: Limits) -> None:
    """Serves until it is interrupted or the server is stopped. `expose` listens beyond this host, with a key only."""
    import uvicorn

    from recipes.openai.gateway import Gateway
    from recipes.openai.served import served

    if expose and not secret:
        mend = f"put one into a file and name it with --key-file, or into {KEY}"
        raise Usage("--expose without an API key would let anyone on the network in", mend=mend)
    listening = bound("0.0.0.0" if expose else HOST, port)  # noqa: S104 - asked for by --expose, with a key
    application = Gateway(served(run), key=secret, limits=limits).application()
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
    mine = endpoint_of(os.getpid(), port)
    if endpoint(folder, run.name) is None:
        write_whole(_record(folder, run.name), msgspec.json.encode(mine))
    say(f"OpenAI endpoint   {mine.url}  (model {run.name}{', API key required' if secret else ''})")
    threading.Thread(target=end_with, args=(server, folder, run), daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):  # how it is meant to end
            server.run(sockets=[listening])
    finally:
        if endpoint(folder, run.name) == mine:
            _record(folder, run.name).unlink()


def bound(host: str, port: int) -> socket.socket:
    """The socket to listen on; raises Trouble naming who has the port."""
    refuse_taken({"openai": port})
    try:
        listening = socket.create_server((host, port), backlog=1024)
        # asyncio sets it only where the protocol is written down; without it each first token waits 40 ms for an ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise Trouble(f"cannot listen on {host}:{port}: {error.strerror}", mend="choose another --port") from error


def end_with(server: Ending, folder: Path, run: Run) -> None:
    """Ends the gateway when the server it stands before is stopped."""
    while (there := runs.read(folder, run.name)) is not None and there.started == run.started:
        time.sleep(LOOK)
    server.should_exit = True


def endpoint_of(process: int, port: int) -> Endpoint:
    """The record of a gateway that is this process."""
    started, born = processes.started(process), processes.birth(process)
    return Endpoint(process=process, started=started, born=born, host=HOST, port=port)


def endpoint(folder: Path, name: str) -> Endpoint | None:
    """The gateway that runs before the server of that name; one whose record is damaged ends with its server."""
    found = None
    with suppress(Trouble):
        found = read_json(_record(folder, name), Endpoint)
    return found if found and processes.alive(found.process, found.born) else None


def port_for(folder: Path) -> int:
    """The usual port, or the first after it that no other endpoint recorded in `folder` listens on."""
    names = [record.parent.name for record in folder.glob(f"*/{RECORD}")]
    return first(USUAL, {there.port for name in names if (there := endpoint(folder, name))})


def start(folder: Path, run: Run, words: tuple[str, ...]) -> Endpoint:
    """Starts a gateway behind this terminal unless there is one, and says where it answers.

    `words` are options of `invoke openai`.
    """
    there = endpoint(folder, run.name) or begun(folder, run, words)
    say(f"OpenAI endpoint   {there.url}  (model {run.name})")
    return there


def begun(folder: Path, run: Run, words: tuple[str, ...]) -> Endpoint:
    """The gateway that was started now, once it answers; raises Trouble with its words when it does not."""
    log = runs.folder(folder, run.name) / LOG
    argv = (sys.executable, "-m", "invoke", "--search-root", str(ROOT), "openai", "--name", run.name, *words)
    with log.open("wb") as file:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=ROOT, start_new_session=True
        )
    with processes.ended_unless_good(process):
        return _answering(process, folder, run.name, log)


def stop(folder: Path, name: str) -> None:
    """Ends the gateway before the server of that name, if there is one."""
    if there := endpoint(folder, name):
        processes.end(there.process)
    _record(folder, name).unlink(missing_ok=True)


def _answering(process: subprocess.Popen[bytes], folder: Path, name: str, log: Path) -> Endpoint:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if (there := endpoint(folder, name)) and says_yes(there.port, "/health"):
            return there
        time.sleep(0.05)
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    mend = f"mend what it says, then: ./inv openai --name {name}"
    raise Trouble(f"the OpenAI endpoint did not start:\n{text}", where=str(log), mend=mend)


def _record(folder: Path, name: str) -> Path:
    return runs.folder(folder, name) / RECORD
