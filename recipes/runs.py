"""What runs is recorded in the workspace, so that another shell can ask, look and stop; stale ones are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from environment.console import say
from environment.data import Record, read_json
from environment.errors import Trouble, Usage, unknown_name
from environment.staging import write_whole
from environment.turns import hold, idle, take
from recipes import processes
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


class Seen(NamedTuple):
    """The runs that are there, those that have ended by themselves, and what is wrong with the records of others.

    `ended` has the latest first. They are in it until they are served again, or `stop` is said.
    """

    living: list[Run]
    ended: list[Run]
    damaged: list[Trouble]


def look(runs: Path) -> Seen:
    """What is recorded, by name. The records of what has ended by itself are put aside, and what is left of it removed.

    Damaged ones stay; they hide none of the others.
    """
    living, damaged = list[Run](), list[Trouble]()
    for found in each(runs):
        if isinstance(found, Trouble):
            damaged.append(found)
        elif alive(found):
            living.append(found)
        elif unstopped(runs, found):
            end(found)
            with suppress(FileNotFoundError):  # another look was faster
                (folder(runs, found.name) / RECORD).replace(folder(runs, found.name) / ENDED)
    return Seen(living, past(runs), damaged)


def living(runs: Path) -> list[Run]:
    """The runs that are there; the records of others are put aside."""
    return look(runs).living


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


def unstopped(runs: Path, run: Run) -> bool:
    """Whether nobody has stopped a server that was seen to have ended: `stop` holds the record, then removes it."""
    with suppress(FileNotFoundError):
        return idle(folder(runs, run.name) / RECORD) and read(runs, run.name) == run
    return False


def alive(run: Run) -> bool:
    """Whether the recorded process, not another with its id, is running; or whether the container is there at all."""
    if run.container:
        from recipes import server_container

        return server_container.there(run)
    return processes.alive(run.process, run.born)


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
        from recipes.crash import crash

        raise crash(runs, gone[0])
    if not there:
        raise Trouble("no server is running", mend="start one: ./inv serve qwen2 --rehearse")
    if name:
        raise unknown_name("server", name, there, mend="./inv status")
    if len(there) > 1:
        raise Usage(f"several servers are running: {', '.join(there)}", mend="say which: --name NAME")
    return next(iter(there.values()))


def answering(runs: Path, name: str) -> Run:
    """As `choose`; raises Crashed also for a server whose container has ended, with how it ended."""
    from recipes import crash

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


def stop(runs: Path, run: Run) -> None:
    """Ends the server and every process of its session, then removes the record, which it holds until then.

    So who sees the server end meanwhile knows that it was stopped.
    """
    with ExitStack() as holding:
        with suppress(FileNotFoundError):
            record = holding.enter_context((folder(runs, run.name) / RECORD).open("rb"))
            hold(record.fileno(), f"stopping {run.name}")
        end(run)
        forget(runs, run.name)


def end(run: Run) -> None:
    """Ends the server and every process of its session; what is left of one that has ended is removed."""
    if run.container:
        from recipes import server_container

        server_container.stop(run)
    elif alive(run):
        processes.end(run.process)


def stays_up(run: Run) -> None:
    """Says where a server that was started listens, and how it is asked, looked at and ended."""
    name = "" if run.name == run.recipe else f" --name {run.name}"
    say(f"\nListens on        {run.http} (HTTP), {run.grpc} (gRPC), {run.metrics} (metrics)")
    say(f'The server stays up:  ./inv ask "..."{name}   ./inv status   ./inv logs{name}   ./inv stop{name}')


@contextmanager
def exclusive(runs: Path, name: str) -> Iterator[None]:
    """Holds the name while a server of it is being started; raises Trouble when another process does."""
    path = folder(runs, name)
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("w") as lock:
        if not take(lock.fileno()):
            raise Trouble(f"another serve of {name!r} is under way", mend="wait for it, or choose another --name")
        yield
