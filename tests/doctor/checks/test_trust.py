"""What the checks say of what others may change in a server, and of what a checkpoint may run, case by case."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from doctor.checks.trust import model_control
from doctor.facts.host import Process
from environment.artifacts.checkpoint import Checkpoint
from tests.doctor.artifacts import WELL_ARTIFACTS
from tests.doctor.well import NOT_READ, WELL, case, changed

assert WELL.image is not None
OPEN = {"host__ports": {8000: True}}


def server(*words: str) -> dict[str, Any]:
    return {"host__servers": (Process(pid=7, name="tritonserver", argv=("tritonserver", *words)),)}


def weights(**fields: Any) -> dict[str, Any]:
    well = WELL_ARTIFACTS.checkpoint
    assert isinstance(well, Checkpoint)
    return {"artifacts__checkpoint": replace(well, **{"shards": (), "remote_code": (), **fields})}


PICKLED = weights(pickles=("pytorch_model.bin",), revision="")
NEW_TORCH = {"image__probe__packages": {"torch": "2.6.0"}}
CASES = [
    case("X004", "pass"),
    case("X004", "pass", **server("--model-control-mode=none"), **OPEN),
    case("X004", "pass", **server("--model-control-mode=poll"), host__ports={8000: False}),
    case("X004", "warn", **server("--model-control-mode=poll"), **OPEN),
    case("X004", "warn", **server("--model-control-mode", "explicit", "--grpc-port=9001"), host__ports={9001: True}),
    case("X004", "warn", **server("--model-control-mode=explicit", "--http-port=${PORT}"), **OPEN),
    case(
        "X004",
        "pass",
        **server("--model-control-mode=explicit", "--backend-config=python,shm-region-prefix-name=prefix1_"),
        **OPEN,
    ),
    case("X004", "unknown", host__servers=NOT_READ),
    case("X013", "pass"),
    case("X013", "pass", **server("--log-file=/l"), host__ports={8000: False}),
    case("X013", "pass", **server("--http-restricted-api=logging:k=v", "--allow-sagemaker=false"), **OPEN),
    case("X013", "warn", **server("--http-restricted-api=logging:k=v", "--allow-vertex-ai=true"), **OPEN),
    case("X013", "warn", **server("--http-port=8000"), **OPEN),
    case("X013", "unknown", host__ports=NOT_READ),
    case("X014", "pass"),
    case("X014", "warn", **PICKLED),
    case("X014", "warn", **PICKLED, image=None),
    case("X014", "warn-unpinned", **PICKLED, **NEW_TORCH),
    case("X014", "warn-unpinned", **weights(remote_code=("modeling_x.X",), pickles=(), revision="")),
    case("X014", "pass-pinned", **weights(pickles=("pytorch_model.bin",), revision="c" * 40), **NEW_TORCH),
    case("X014", "skip", **PICKLED, image__probe__packages={}),
    case("X014", "skip", artifacts__checkpoint=None),
    case("X014", "unknown", artifacts__checkpoint=NOT_READ),
]


def test_only_the_ports_that_can_be_reached_are_named() -> None:
    said = model_control(
        changed(WELL, {**server("--model-control-mode=poll"), "host__ports": {8000: True, 8001: False}})
    )
    assert said.data["ports"] == [8000]
