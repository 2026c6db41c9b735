"""What the steps of a plan leave on the disk: what is there already, and how much of it. Reads the disk only."""

from __future__ import annotations

from pathlib import Path

from environment.plan import Plan, Step


def skipped(plan: Plan) -> dict[int, str]:
    """The number of each step that would be skipped now -> the path that is there already."""
    found = {number: there(step) for number, step in enumerate(plan.steps, 1)}
    return {number: path for number, path in found.items() if path}


def there(step: Step) -> str:
    """The path for which the step need not run; empty when it has to."""
    return next((path for path in step.outputs if Path(path).exists()), "")


def size_of(step: Step) -> int | None:
    """Bytes on disk of what the step makes, finished or beside its place; None when it leaves nothing behind."""
    if not step.output:
        return None
    places = (Path(step.output), Path(f"{step.output}.partial"))
    files = (path for place in places for path in (place, *place.rglob("*")) if not path.is_symlink())
    return sum(_blocks(path) for path in files)


def _blocks(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:  # it is not there, or was moved meanwhile
        return 0
