"""`serve --rehearse`: real Triton, a release's model repository, a CPU engine in place of the TensorRT engine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.console import say
from environment.errors import Trouble
from environment.staging import staged_folder, write_whole
from environment.workspace import Workspace
from recipes import ports, processes, runs
from recipes.rehearsal import binary, repository, server
from recipes.rehearsal.architecture import Decoder, describe
from recipes.rehearsal.checkpoint import SHIPPED, checked
from recipes.rehearsal.conversion import convert
from recipes.rehearsal.manifest import MANIFEST, Manifest
from recipes.rehearsal.tensors import for_release
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
    ready_within: float = READY_WITHIN

    @property
    def settings(self) -> dict[str, str]:
        """What makes two rehearsals of one name the same."""
        said = {**asdict(self), **self.ports}
        return {
            key: str(said[key])
            for key in ("recipe", "release", "checkpoint", "templates", "max_batch_size", *self.ports)
        }


def rehearse(asked: Rehearsal, workspace: Workspace) -> tuple[Run, bool]:
    """The run that serves what is asked and is ready, and whether it was started now or was there already."""
    with runs.exclusive(workspace.runs, asked.name):
        there = runs.read(workspace.runs, asked.name)
        if there is not None and runs.alive(there):
            return reuse(there, asked), False
        ports.refuse_taken(asked.ports)
        binary.require_python_library()
        return start(asked, workspace), True


def reuse(there: Run, asked: Rehearsal) -> Run:
    """The running server, if it was started with the same settings; raises Trouble when not."""
    different = [
        f"{key} {there.settings.get(key, 'unset')} -> {value}"
        for key, value in asked.settings.items()
        if there.settings.get(key) != value
    ]
    if different:
        mend = f"./inv stop --name {there.name}, or serve it under another name: --name OTHER"
        raise Trouble(f"{there.name!r} is running with other settings: {', '.join(different)}", mend=mend)
    say(f"{there.name} is running already with these settings; it is used as it is.")
    return there


def start(asked: Rehearsal, workspace: Workspace) -> Run:
    """Prepares what is not there yet, starts the server, and waits until it is ready."""
    checkpoint = checked(asked.checkpoint)
    decoder = describe(checkpoint.model, str(asked.checkpoint))
    engine = prepare_engine(asked, checkpoint, decoder, workspace)
    made = prepare_repository(asked, engine, workspace)
    command = binary.command(made, binary.backends(workspace.engines), asked.ports)
    log = runs.folder(workspace.runs, asked.name) / runs.LOG
    say(f"Checkpoint        {asked.checkpoint}")
    say(f"Model repository  {made}")
    say(f"Starting tritonserver (log: {log})")
    begun = time.monotonic()
    run: list[Run] = []

    def record(process: int) -> None:
        run.append(recorded(asked, process))
        runs.write(workspace.runs, run[0])

    try:
        with server.started(command, log, record) as process:
            import recipes.client  # noqa: F401 - while the server starts, so that the first question need not wait

            server.wait_ready(process, asked.ports["http"], log, say, asked.ready_within)
    except BaseException:
        runs.forget(workspace.runs, asked.name)
        raise
    say(f"Ready after {time.monotonic() - begun:.1f} s: gRPC {run[0].address}, model {run[0].model}")
    return run[0]


def prepare_engine(asked: Rehearsal, checkpoint: Checkpoint, decoder: Decoder, workspace: Workspace) -> Path:
    """The folder that stands where a TensorRT engine would: a manifest that names the converted checkpoint."""
    model = convert(asked.checkpoint, checkpoint, workspace.checkpoints)
    manifest = Manifest(
        checkpoint=str(asked.checkpoint),
        model=str(model),
        vocabulary=checkpoint.model.vocabulary or 0,
        positions=decoder.positions,
        threads=1 if decoder.small else 0,
    )
    folder = workspace.engines / model.name
    write_whole(folder / MANIFEST, msgspec.json.encode(manifest))
    return folder


def prepare_repository(asked: Rehearsal, engine: Path, workspace: Workspace) -> Path:
    """The model repository, made unless the very same is there."""
    tokenizer = read_tokenizer(asked.checkpoint)
    chat = isinstance(tokenizer, Tokenizer) and bool(tokenizer.chat_template)
    layout = repository.Layout(
        tokenizer=asked.checkpoint,
        engine=engine,
        max_batch_size=asked.max_batch_size,
        add_special_tokens=not chat,
    )
    return write_repository(repository.files(for_release(asked.release), layout), workspace.repositories)


def write_repository(files: Mapping[str, str], into: Path) -> Path:
    """Writes a repository under a name that is the digest of all its text."""
    digest = hashlib.sha256(msgspec.json.encode(sorted(files.items()))).hexdigest()[:16]
    made = into / f"rehearsal-{digest}"
    if not holds(made, files):
        with staged_folder(made) as stage:
            for name, text in files.items():
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / name).write_text(text, encoding="utf-8")
    return made


def holds(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether the folder has every one of these files, with this text."""
    try:
        return all((folder / name).read_text(encoding="utf-8") == text for name, text in files.items())
    except (OSError, UnicodeDecodeError):
        return False


def recorded(asked: Rehearsal, process: int) -> Run:
    """The record of a server that was started just now."""
    return Run(
        name=asked.name,
        recipe=asked.recipe,
        release=asked.release,
        rehearsal=True,
        process=process,
        started=processes.started(process),
        http=asked.ports["http"],
        grpc=asked.ports["grpc"],
        metrics=asked.ports["metrics"],
        model=repository.ENSEMBLE,
        tokenizer=str(asked.checkpoint),
        settings=asked.settings,
    )
