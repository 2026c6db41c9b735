"""What each step of a plan took: time, peak memory, disk. Kept in `steps.jsonl` beside the steps' logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from environment.console import duration
from environment.data import Record
from environment.errors import Trouble
from environment.plan import Step

NAME, FOLDER = "steps.jsonl", "steps"
BEGIN = "./inv build qwen2   or any other task that carries a plan out"
Ending = Literal["done", "there", "failed", "interrupted"]
HEADINGS = ("STEP", "ENDED", "TIME", "PEAK RAM", "DISK", "WHAT")


class StepRecord(Record, frozen=True, kw_only=True):
    """How one step went. `run` tells the runs of a plan apart by when they began; times in seconds, sizes in bytes.

    `memory` is the peak of what its processes had in memory, or its container without the page cache; `disk` what its
    output grew by. Both are None where they were not seen. `there` names the path for which a step was skipped.
    """

    run: float
    step: int
    steps: int
    title: str
    tool: str
    ended: Ending
    began: float
    seconds: float
    memory: int | None = None
    disk: int | None = None
    there: str = ""
    log: str = ""


def add(logs: Path, record: StepRecord) -> None:
    """Writes the record behind the others, in one piece; a line that a crash cut short ends here."""
    with (logs / NAME).open("a+b") as file:
        end = file.tell()
        file.seek(max(end - 1, 0))
        torn = b"" if file.read(1) in {b"", b"\n"} else b"\n"
        file.write(torn + msgspec.json.encode(record) + b"\n")


def read(logs: Path) -> tuple[StepRecord, ...]:
    """Every record in order; a line that a crash cut short is left out."""
    path = logs / NAME
    return tuple(_records(path.read_bytes().splitlines())) if path.exists() else ()


def _records(lines: Iterable[bytes]) -> Iterator[StepRecord]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=StepRecord)
        except msgspec.MsgspecError:
            continue


def latest(runs: Path, name: str = "") -> tuple[StepRecord, ...]:
    """The last run of the plan that is kept under `name` in `runs`, or of the one that was at work last.

    Raises Trouble when nothing was recorded there.
    """
    kept = [path for path in runs.glob(f"*/{FOLDER}/{NAME}") if name in {"", path.parents[1].name}]
    if not kept:
        raise Trouble(f"no steps are recorded{f' of {name!r}' if name else ''}", where=str(runs), mend=BEGIN)
    return last_run(read(max(kept, key=lambda path: path.stat().st_mtime).parent))


def last_run(records: Iterable[StepRecord]) -> tuple[StepRecord, ...]:
    """The records of the run that began last."""
    known = tuple(records)
    newest = max((record.run for record in known), default=0.0)
    return tuple(record for record in known if record.run == newest)


def last_time(records: Iterable[StepRecord], step: Step) -> StepRecord | None:
    """How a step of this title went when it was last done: an estimate for the next time."""
    done = [record for record in records if record.ended == "done" and record.title == step.title]
    return done[-1] if done else None


def table(records: tuple[StepRecord, ...]) -> str:
    """The records as lines for the eye."""
    rows = [HEADINGS, *(_row(record) for record in records)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in rows
    )


def _row(record: StepRecord) -> tuple[str, ...]:
    number = f"{record.step}/{record.steps}"
    what = f"{record.title} ({record.there} is there)" if record.there else record.title
    return (number, record.ended, duration(record.seconds), _size(record.memory), _size(record.disk), what)


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / 1e9:.1f} GB" if size >= 10**8 else f"{size / 1e6:.1f} MB"


def document(records: tuple[StepRecord, ...]) -> dict[str, object]:
    """The data of `steps/1`."""
    return {"steps": [msgspec.to_builtins(record) for record in records]}
