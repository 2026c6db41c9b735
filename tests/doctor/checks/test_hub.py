"""What the check of the hub's answer says, case by case."""

from __future__ import annotations

from doctor.facts.hub import Hub
from tests.doctor.well import NOT_READ, case


def answered(status: int, *, token: bool = False) -> dict[str, object]:
    return {"hub": Hub(repository="Qwen/Qwen2-7B-Instruct", host="huggingface.co", status=status, token=token)}


CASES = [
    case("C012", "pass", **answered(200)),
    case("C012", "pass", **answered(307)),
    case("C012", "fail", **answered(401)),
    case("C012", "fail-token", **answered(403, token=True)),
    case("C012", "fail-missing", **answered(404)),
    case("C012", "unknown", **answered(503)),
    case("C012", "unknown", hub=NOT_READ),
    case("C012", "skip"),
]
