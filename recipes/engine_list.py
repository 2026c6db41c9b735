"""The finished engines as a list: for the eye and as data."""

from __future__ import annotations

from collections.abc import Mapping

from environment.workspace import Workspace
from recipes.engine_store import Remains, finished


def rows(space: Workspace, now: float) -> list[dict[str, object]]:
    """One row an engine, for the eye and as data."""
    return [
        {
            "engine": name,
            "recipe": made.asked.recipe,
            "release": made.asked.release,
            "tensor_parallel": made.asked.tensor_parallel,
            "pipeline_parallel": made.asked.pipeline_parallel,
            "compute_capability": made.compute,
            "bytes": sum(made.files.values()),
            "age_seconds": round(now - made.finished),
            "repository": any(space.repositories.glob(f"{name}-*")),
        }
        for name, made in finished(space).items()
    ]


def table(listed: list[dict[str, object]], left: tuple[Remains, ...]) -> str:
    """The same as lines, and what could be removed."""
    line = "{:<52} {:>8} {:>8}  {}".format
    lines = [line("ENGINE", "SIZE", "AGE", "SERVES ON")] if listed else ["no engine is finished yet"]
    for row in listed:
        serves = f"{row['tensor_parallel']}x{row['pipeline_parallel']} GPU(s) of {row['compute_capability']}"
        lines.append(line(str(row["engine"]), _gb(row["bytes"]), f"{int(str(row['age_seconds'])) // 3600} h", serves))
    lines += [f"could go: {each.path}  {_gb(each.size)}  {each.why}" for each in left]
    return "\n".join(lines)


def _gb(size: object) -> str:
    return f"{int(str(size)) / 1e9:.1f} GB"


def document(listed: list[dict[str, object]], left: tuple[Remains, ...]) -> Mapping[str, object]:
    """The data of `engines/1`."""
    return {"engines": listed, "remains": [{"path": str(r.path), "why": r.why, "bytes": r.size} for r in left]}
