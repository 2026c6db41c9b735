"""The answer for one path, and how many of them become data and an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from doctor.verdict import Verdict
from environment.errors import ExitCode

SCHEMA = "inspect/1"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One path's answer. `faults` will not work, `notes` are worth knowing; `complete` is None where nobody can say."""

    path: str
    kind: str
    complete: bool | None
    tensorrt: str | None = None
    compute: str | None = None
    verdict: Verdict | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> ExitCode:
        """How this path alone would end the command."""
        state = self.verdict.state if self.verdict else "loads"
        if self.complete is False or self.faults or state not in ("loads", "unknown"):
            return ExitCode.FAILURE
        return ExitCode.UNKNOWN if self.complete is None or state == "unknown" else ExitCode.OK


def exit_code(inspections: Iterable[Inspection]) -> ExitCode:
    """1 if something will not work, else 3 if something is not known, else 0."""
    codes = {inspection.code for inspection in inspections}
    return next((code for code in (ExitCode.FAILURE, ExitCode.UNKNOWN) if code in codes), ExitCode.OK)


def document(inspections: Iterable[Inspection]) -> dict[str, object]:
    """The answers as `inspect/1` data."""
    return {"artifacts": [_row(inspection) for inspection in inspections]}


def _row(found: Inspection) -> dict[str, object]:
    verdict = found.verdict or Verdict(state="unknown", message="", why=f"TensorRT loads no {found.kind}")
    return {
        "path": found.path,
        "kind": found.kind,
        "tensorrt": found.tensorrt,
        "compute": found.compute,
        "complete": found.complete,
        "verdict": {"state": verdict.state, "message": verdict.message, "why": verdict.why},
        "faults": found.faults,
        "notes": found.notes,
        **found.facts,
    }
