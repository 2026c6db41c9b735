"""Readings of an image: what the engine says of it, and what our probe finds inside it, without network and GPU."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading
from doctor.probes import libraries
from doctor.probes.sources import read_file, run_command
from doctor.probes.taking import Probe, Taken
from environment.errors import Trouble
from environment.image_layout import MADE_BY
from environment.images import probe

DEADLINE = 18.0  # a container starts in a second; a cold disk takes longer
SAFE = re.compile(r"/[\w./+-]{1,300}")  # a path from inside an image becomes an argument here
INSIDE = 12  # seconds the probe may take inside


def probes(reference: str, lock: Path | None = None) -> tuple[Probe, ...]:
    """The engine's word on the image, the lock file, and the probe's findings inside it, apart: one may hang."""
    return (
        Probe(gives=("image/reference", "image/inspect", "image/history"), read=partial(_engine, reference)),
        *((Probe(gives=("image/lock",), read=partial(_lock, lock)),) if lock else ()),
        Probe(gives=("image/probe", "image/libraries"), read=partial(_inside, reference), deadline=DEADLINE),
    )


def pip_probes(reference: str) -> tuple[Probe, ...]:
    """What pip says of the image's packages, in a container of its own: it takes seconds."""
    return (Probe(gives=("image/pip",), read=partial(_pip, reference), deadline=DEADLINE),)


def _pip(reference: str) -> Taken:
    from environment.container import connect

    try:
        ended = connect().run(reference, ("-m", "pip", "check"), entrypoint=("python3",), limit=INSIDE)
    except Trouble as trouble:
        yield "image/pip", _silent(trouble)
        return
    if "No module named pip" in ended.err:
        yield "image/pip", Reading(status="absent", reason="the image has no pip")
    elif ended.code not in {0, 1}:
        yield "image/pip", Reading(status="failed", reason=ended.err[-2000:])
    else:
        lines = ended.out.splitlines() if ended.code else []
        yield "image/pip", Reading(text=msgspec.json.encode(lines).decode())


def _silent(trouble: Trouble) -> Reading:
    """Why nothing was read in the image, in the engine's words."""
    return Reading(status="failed", reason=": ".join(filter(None, (str(trouble.what), str(trouble.why)))))


def _engine(reference: str) -> Taken:
    yield "image/reference", Reading(text=reference)
    yield "image/inspect", run_command("docker", "image", "inspect", "--", reference)
    history = run_command("docker", "image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", reference)
    lines = history.text.splitlines()
    yield "image/history", replace(history, text=msgspec.json.encode(lines).decode())


def _lock(file: Path) -> Taken:
    yield "image/lock", read_file(file)


def _inside(reference: str) -> Taken:
    """The probe is given to a container's Python as an argument: nothing is written, nothing is mounted."""
    from environment.container import connect

    script = Path(probe.__file__).read_text(encoding="utf-8")
    try:
        ended = connect().run(reference, ("-c", script), entrypoint=("python3",), limit=INSIDE)
    except Trouble as trouble:
        silent = _silent(trouble)
        yield from (("image/probe", silent), ("image/libraries", silent))
        return
    said = Reading(text=ended.out, reason=ended.err[-2000:])
    yield "image/probe", replace(said, status="failed") if ended.code else said
    yield "image/libraries", _libraries(reference, msgspec.json.decode(ended.out))


def _libraries(reference: str, found: dict[str, Any]) -> Reading:
    """MPI's libraries, copied out of a container that never runs, and read here by their headers."""
    paths = [path for copies in found["copies"].values() for path in copies if SAFE.fullmatch(path)]
    folders = tuple(path.rpartition("/")[0] for path in found["resolved"].values() if path)
    settings = run_command("docker", "image", "inspect", "--format", "{{json .Config.Env}}", reference)
    env = dict(word.partition("=")[::2] for word in msgspec.json.decode(settings.text or "[]") or ())
    environment = tuple(folder for folder in env.get("LD_LIBRARY_PATH", "").split(":") if folder)
    with tempfile.TemporaryDirectory() as name, _created(reference) as container:
        for path in paths[: libraries.MOST]:
            place = Path(name) / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            run_command("docker", "cp", "--follow-link", f"{container}:{path}", str(place))
        return libraries.reading(Path(name), environment, folders, paths)


@contextmanager
def _created(reference: str) -> Iterator[str]:
    """A container of the image that is never started, and removed at the end."""
    made = run_command("docker", "create", "--label", f"{MADE_BY}=doctor", "--network", "none", reference, "true")
    container = made.text.strip()
    try:
        yield container
    finally:
        run_command("docker", "rm", "--force", container)
