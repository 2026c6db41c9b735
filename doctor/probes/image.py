"""Readings of an image: what the engine says of it, and what our probe finds inside it, without network and GPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.sources import run_command
from doctor.probes.taking import Probe, Taken
from environment.images import probe

DEADLINE = 18.0  # a container starts in a second; a cold disk takes longer
INSIDE = 15  # seconds the probe may take inside


def probes(reference: str) -> tuple[Probe, ...]:
    """The engine's word on the image and the probe's findings inside it, apart: one may hang."""
    return (
        Probe(gives=("image/reference", "image/inspect", "image/history"), read=partial(_engine, reference)),
        Probe(gives=("image/probe",), read=partial(_inside, reference), deadline=DEADLINE),
    )


def _engine(reference: str) -> Taken:
    yield "image/reference", Reading(text=reference)
    yield "image/inspect", run_command("docker", "image", "inspect", "--", reference)
    history = run_command("docker", "image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", reference)
    lines = history.text.splitlines()
    yield "image/history", msgspec.structs.replace(history, text=msgspec.json.encode(lines).decode())


def _inside(reference: str) -> Taken:
    """The probe is given to a container's Python as an argument: nothing is written, nothing is mounted."""
    from environment.container import connect
    from environment.errors import Trouble

    script = Path(probe.__file__).read_text(encoding="utf-8")
    try:
        ended = connect().run(reference, ("-c", script), entrypoint=("python3",), limit=INSIDE)
    except Trouble as trouble:
        yield "image/probe", Reading(status="failed", reason=str(trouble))
    else:
        said = Reading(text=ended.out, reason=ended.err[-2000:])
        yield "image/probe", msgspec.structs.replace(said, status="failed") if ended.code else said
