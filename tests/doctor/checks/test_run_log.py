"""What the check of the last server's log says, case by case."""

from __future__ import annotations

from doctor.facts.run_log import RunLog
from tests.doctor.well import NOT_READ, case

TAKEN = (
    "E1127 10:00:00.1 1 main.cc:300] failed to start HTTP service: Unavailable - Socket '0.0.0.0:8000' already in use\n"
)


def said(text: str) -> dict[str, object]:
    return {"run_log": RunLog(name="qwen2", text=text)}


CASES = [
    case("S010", "pass", **said("")),
    case("S010", "pass", **said("an error that nobody knows\n")),
    case("S010", "warn", **said(TAKEN)),
    case("S010", "unknown", run_log=NOT_READ),
    case("S010", "skip"),
]
