"""The reading of the last server's log in the workspace: its end, when there is a word of trouble in it."""

from __future__ import annotations

import os
import re
import time
from functools import partial
from pathlib import Path

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.taking import Probe, Taken

LOG = "*/server.log"  # recipes/runs.py writes them
TAIL = 128 << 10  # bytes
FRESH = 86_400  # seconds: an older log is history
TROUBLE = re.compile(rb"error|fatal|exception|traceback|terminate called|killed|undefined symbol|failed", re.IGNORECASE)


def probes(runs: Path) -> tuple[Probe, ...]:
    """One probe."""
    return (Probe(gives=("run/log",), read=partial(_last, runs), deadline=4),)


def _last(runs: Path) -> Taken:
    logs = [(path.stat().st_mtime, path) for path in runs.glob(LOG)]
    when, path = max(logs, default=(0.0, runs))
    if not logs or time.time() - when > FRESH:
        yield "run/log", Reading(status="absent", reason="no server has run here of late")
        return
    with path.open("rb") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - TAIL, 0))
        tail = file.read(TAIL)
    text = tail.decode("utf-8", "replace") if TROUBLE.search(tail) else ""
    yield "run/log", Reading(text=msgspec.json.encode({"name": path.parent.name, "text": text}).decode())
