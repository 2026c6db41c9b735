"""What the checks of family B say, case by case."""

from __future__ import annotations

from doctor.facts.source import Source
from environment.releases import find
from tests.doctor.well import NOT_READ, case

RELEASE = find("v0.10.0")
PINNED = RELEASE.backend.submodule_commit
GOOD = {"source": Source(head=RELEASE.backend.commit, pinned=PINNED, there=PINNED, pointers=())}

CASES = [
    case("B001", "pass", **GOOD),
    case("B001", "fail", **GOOD, source__there="0" * 40),
    case("B001", "fail-missing", **GOOD, source__there=None),
    case("B001", "unknown", **GOOD, source__there=NOT_READ),
    case("B001", "skip"),
    case("B002", "pass", **GOOD),
    case("B002", "fail", **GOOD, source__pointers=("tensorrt_llm/cpp/libx.a",)),
    case("B002", "skip", **GOOD, source__there=None),
    case("B002", "fail", **GOOD, source__there=None, source__pointers=("tensorrt_llm/cpp/libx.a",)),
    case("B002", "unknown", **GOOD, source__pointers=NOT_READ),
    case("B003", "pass", **GOOD),
    case("B003", "warn", **GOOD, source__head="0" * 40),
    case("B003", "warn-changed", **GOOD, source__changed=("dockerfile/Dockerfile.trt_llm_backend",)),
    case("B003", "unknown", **GOOD, source__head=NOT_READ),
    case("B003", "unknown", **GOOD, source__changed=NOT_READ),
    case("B004", "pass", **GOOD),
    case("B004", "fail", **GOOD, host__tools={"git-lfs": None}),
    case("B004", "unknown", **GOOD, host__tools={"git-lfs": NOT_READ}),
]
