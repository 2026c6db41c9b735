"""The records of the servers that were started, in the workspace, so that another shell can ask, look and stop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from environment.data import Record, read_json
from environment.errors import Trouble, Usage
from environment.staging import write_whole
from environment.turns import take
from recipes.ports import HOST
from recipes.recipe import Chat

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
RECORD, ENDED, LOG, LOCK = "run.json", "ended.json", "server.log", "lock"


class Run(Record, frozen=True, kw_only=True):
    """A server that was started: which, where it listens, and how to ask it. Times are seconds since the epoch.

    `born` tells its process from a later one with the same id (`processes.birth`). `quality` says whether it answers
    as its checkpoint does: `agrees`, `differs`, `unknown`, or nothing yet.
    """

    name: str
    recipe: str
    release: str
    rehearsal: bool
    process: int
    started: float
    born: str = ""
    http: int
    grpc: int
    metrics: int
    model: str
    tokenizer: str
    accumulates: bool = False
    container: str = ""
    quality: str = ""
    settings: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def chat(self) -> Chat:
        """How its model is talked to, as its recipe says."""
        return msgspec.json.decode(self.settings.get("chat", "{}"), type=Chat)

    @property
    def address(self) -> str:
        """Where gRPC listens."""
        return f"{HOST}:{self.grpc}"


def folder(runs: Path, name: str) -> Path:
    """The folder of a run; raises Usage for a name that cannot be one."""
    if not NAME.fullmatch(name):
        why = "letters, digits, '.', '_' and '-', at most 63"
        raise Usage(f"{name!r} is no usable name", why=why, mend="./inv status   lists the servers")
    return runs / name


def read(runs: Path, name: str) -> Run | None:
    """The record of that name, if there is one; raises Trouble for one that is damaged."""
    path = folder(runs, name) / RECORD
    try:
        return read_json(path, Run) if path.exists() else None
    except Trouble as trouble:
        why = f"where {name!r} listens and what it runs as is not known any more; if it runs still, it goes on"
        mend = f"rm {path}   and, where there is such a container, docker rm --force trtllm-{name}"
        raise Trouble(trouble.what, where=str(path), why=why, mend=mend) from trouble


def write(runs: Path, run: Run) -> None:
    """Records the run; what ended by itself under its name is past."""
    (folder(runs, run.name) / ENDED).unlink(missing_ok=True)
    write_whole(folder(runs, run.name) / RECORD, msgspec.json.format(msgspec.json.encode(run), indent=2))


def forget(runs: Path, name: str) -> None:
    """Removes the record, also that of an end; the log stays."""
    for record in (RECORD, ENDED):
        (folder(runs, name) / record).unlink(missing_ok=True)


def recorded(runs: Path) -> list[Run]:
    """Every record that can be read, by name."""
    return [found for found in each(runs) if isinstance(found, Run)]


def each(runs: Path) -> Iterator[Run | Trouble]:
    """Every record, by name, or what is wrong with it."""
    for name in sorted(path.parent.name for path in runs.glob(f"*/{RECORD}")):
        try:
            if (run := read(runs, name)) is not None:
                yield run
        except Trouble as trouble:
            yield trouble


def past(runs: Path) -> list[Run]:
    """The runs whose records were put aside, the latest first."""
    found = []
    for path in runs.glob(f"*/{ENDED}"):
        with suppress(Trouble, FileNotFoundError):  # a damaged one only tells less
            found.append((path.stat().st_ctime, read_json(path, Run)))
    return [run for _, run in sorted(found, key=lambda each: each[0], reverse=True)]


def dismiss(runs: Path, name: str) -> None:
    """What has ended by itself under the name, or at all without one, is told no more."""
    for run in past(runs):
        if name in {"", run.name}:
            (folder(runs, run.name) / ENDED).unlink(missing_ok=True)


@contextmanager
def exclusive(runs: Path, name: str) -> Iterator[None]:
    """Holds the name while a server of it is being started; raises Trouble when another process does."""
    path = folder(runs, name)
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("w") as lock:
        if not take(lock.fileno()):
            raise Trouble(f"another serve of {name!r} is under way", mend="wait for it, or choose another --name")
        yield
