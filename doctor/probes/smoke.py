"""The reading of a container that is really given this host's GPUs: what the image's programs see of them. `--deep`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from doctor.facts.readings import Reading
from doctor.probes import gpu_inside
from doctor.probes.taking import Probe, Taken

DEADLINE, LIMIT = 90.0, 60  # seconds; eight sleeping GPUs take half a minute to wake


def probes(reference: str) -> tuple[Probe, ...]:
    """One container, which ends and is removed; it has no network and nothing mounted."""
    return (Probe(gives=("image/smoke",), read=partial(_smoke, reference), deadline=DEADLINE, alone=True),)


def _smoke(reference: str) -> Taken:
    from environment.container import connect
    from environment.docker_errors import DockerTrouble

    script = Path(gpu_inside.__file__).read_text(encoding="utf-8")
    try:
        ended = connect().run(reference, ("-c", script), entrypoint=("python3",), limit=LIMIT, gpus=True)
    except DockerTrouble as trouble:
        yield "image/smoke", _json({"refused": f"{trouble.what}: {trouble.why}"})
        return
    if ended.code:
        yield "image/smoke", _json({"refused": f"python3 ended with {ended.code}: {ended.err[-2000:]}".strip()})
    else:
        yield "image/smoke", Reading(text=ended.out)


def _json(value: object) -> Reading:
    return Reading(text=msgspec.json.encode(value).decode())
