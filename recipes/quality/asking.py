"""`invoke quality`: the gate before any running server, at any time."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from environment.console import result_json, say
from environment.errors import Usage
from environment.home import expanded
from environment.workspace import Workspace
from recipes.ask import Target
from recipes.quality import gate, reference
from recipes.quality.agreement import Reference, questions
from recipes.runs import Run
from recipes.weights import fingerprint

AN_HOUR = 3600.0  # seconds; computing the answers of a large checkpoint takes many minutes


def hold(to: Target, space: Workspace, run: Run | None, *, compute: bool, json: bool) -> None:
    """Asks, compares, records and tells; raises Differs, or Undetermined where the checkpoint's answers are unknown.

    `compute`: the CPU engine computes them unless they are known.
    """
    folder = checkpoint(to)
    with reference.computing(folder, space.checkpoints) as own:
        if compute:
            own.begin()
        found = gate.judge(to, own.result(AN_HOUR), gate.REHEARSAL if run and run.rehearsal else gate.ENGINE)
    if run is not None:
        gate.record(space.runs, run, found)
    if json:
        result_json("quality/1", gate.document(found))
    gate.settle(found, to)


def keep(to: Target, space: Workspace, run: Run | None) -> None:
    """Keeps the server's answers as the reference of its checkpoint, with where they are from."""
    folder, today = checkpoint(to), datetime.now(timezone.utc).date()
    who = f"{run.settings.get('engine') or run.name} ({run.release})" if run else to.address
    said = gate.answered(to, questions())
    kept = Reference(checkpoint=fingerprint(folder), source=f"kept from the server {who} on {today}", answers=said)
    say(f"Kept in {reference.keep(kept, folder, space.checkpoints)}")


def checkpoint(to: Target) -> Path:
    """The folder of the checkpoint that is served; raises Usage when nobody said it."""
    folder = expanded(to.tokenizer)
    if not to.tokenizer or not folder.is_dir():
        raise Usage(f"there is no checkpoint to compare with: {to.tokenizer!r}", mend="name it: --model-dir DIR")
    return folder
