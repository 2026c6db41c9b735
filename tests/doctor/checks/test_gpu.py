"""What the checks of family G say of the GPUs, case by case."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from doctor.checks.gpu import gpu_mixed, topology
from doctor.facts.gpu import ComputeProcess, Fabric
from tests.doctor.artifacts import plan, rank
from tests.doctor.well import GIB, NOT_READ, WELL, case, changed, gpu

GONE = {"gpus__devices": ()}
NONE: dict[str, Any] = dict.fromkeys(
    ("mig", "persistence", "compute_mode", "ecc_uncorrected", "remapped_rows", "fabric", "retired_pending", "slowed_by")
)
GEFORCE = gpu(0, **NONE, data_center=False, compute=(8, 9), name="RTX 4090")
PAIR = {"asked__tensor_parallel": 2, "asked__gpus": 2}
BARE: dict[str, Any] = {"artifacts__engine": None}  # its size is asked of a recipe


def one(**changes: object) -> dict[str, object]:
    """The first of two GPUs changed."""
    return {"gpus__devices": (gpu(0, **changes), gpu(1))}


CASES = [
    case("G006", "pass"),
    case("G006", "warn", **one(compute=(7, 0), name="Tesla V100")),
    case("G006", "fail", **one(compute=(6, 1), name="Tesla P40")),
    case("G006", "fail", **one(compute=(12, 0), name="RTX 5090")),
    case("G006", "unknown", **one(compute=NOT_READ)),
    case("G006", "skip", **GONE),
    case("G007", "pass", asked__dtype="bfloat16", asked__quantization="fp8"),
    case("G007", "fail", asked__dtype="bfloat16", **one(compute=(7, 5))),
    case("G007", "fail", asked__quantization="fp8", **one(compute=(8, 0))),
    case("G007", "unknown", asked__dtype="bfloat16", **one(compute=NOT_READ)),
    case("G007", "skip"),
    case("G008", "pass", asked__gpus=2),
    case("G008", "fail", asked__gpus=4),
    case("G008", "fail", **GONE),
    case("G008", "pass", asked__devices=(1,)),
    case("G008", "fail-named", asked__devices=(2,)),
    case("G008", "unknown", gpus__devices=NOT_READ),
    case("G009", "pass", host__environment={"CUDA_VISIBLE_DEVICES": "0,1"}),
    case("G009", "note", host__environment={"CUDA_VISIBLE_DEVICES": "1,0"}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "0,0"}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "0,7"}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "1"}, asked__gpus=2),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": ""}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "-1"}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "NoDevFiles"}),
    case("G009", "fail", host__environment={"CUDA_VISIBLE_DEVICES": "00,0"}),
    case("G009", "pass", host__environment={"CUDA_VISIBLE_DEVICES": "GPU-8f1a,MIG-22"}, asked__gpus=2),
    case("G009", "unknown", host__environment=NOT_READ),
    case("G009", "skip"),
    case("G009", "skip", host__environment={"CUDA_VISIBLE_DEVICES": "0"}, **GONE),
    case("G010", "pass", **PAIR),
    case("G010", "warn", **PAIR, **one(memory_total=40 * GIB)),
    case("G010", "fail", **PAIR, **one(compute=(8, 0))),
    case("G010", "unknown", **PAIR, **one(compute=NOT_READ)),
    case("G010", "skip"),
    case("G011", "pass", **BARE, asked__checkpoint_bytes=15 * GIB),
    case("G011", "warn", **BARE, asked__checkpoint_bytes=70 * GIB),
    case("G011", "pass", **BARE, asked__checkpoint_bytes=70 * GIB, **PAIR),
    case("G011", "fail", **BARE, asked__checkpoint_bytes=145 * GIB),
    case("G011", "fail", **BARE, asked__checkpoint_bytes=1, asked__rank_bytes=79 * GIB),
    case("G011", "unknown", **BARE, asked__checkpoint_bytes=1, **one(memory_total=NOT_READ)),
    case("G011", "skip", **BARE),
    case("G011", "pass"),
    case("G011", "fail", artifacts__engine__ranks=(rank(0), rank(1, replace(plan(), file_size=79 * GIB)))),
    case("G012", "pass"),
    case("G012", "warn", **one(memory_used=30 * GIB, processes=(ComputeProcess(pid=7, used=None),))),
    case("G012", "warn", **one(memory_used=30 * GIB, processes=NOT_READ)),
    case("G012", "pass", asked__devices=(1,), **one(memory_used=30 * GIB)),
    case("G012", "warn", asked__devices=(0,), **one(memory_used=30 * GIB)),
    case("G012", "skip", asked__devices=(5,)),
    case("G012", "unknown", **one(memory_used=NOT_READ)),
    case("G013", "pass"),
    case("G013", "fail", **one(fabric=Fabric(state=2, status=0))),
    case("G013", "fail", **one(fabric=Fabric(state=3, status=999))),
    case("G013", "unknown", **one(fabric=NOT_READ)),
    case("G013", "skip", gpus__devices=(GEFORCE,)),
    case("G014", "pass"),
    case("G014", "note", **one(mig=True)),
    case("G014", "fail", **one(mig=True), asked__gpus=2),
    case("G014", "unknown", **one(mig=NOT_READ)),
    case("G014", "skip", gpus__devices=(GEFORCE,)),
    case("G015", "pass"),
    case("G015", "note", **one(persistence=False)),
    case("G015", "unknown", **one(persistence=NOT_READ)),
    case("G015", "skip", gpus__devices=(GEFORCE,)),
    case("G016", "pass"),
    case("G016", "fail", **one(ecc_uncorrected=2)),
    case("G016", "fail", **one(retired_pending=True)),
    case("G016", "fail", **one(remapped_rows=(0, 1, 0, 1))),
    case("G016", "unknown", **one(ecc_uncorrected=NOT_READ)),
    case("G016", "skip", gpus__devices=(GEFORCE,)),
    case("G018", "pass"),
    case("G018", "warn", **one(slowed_by=0x40)),
    case("G018", "unknown", **one(slowed_by=NOT_READ)),
    case("G018", "skip", gpus__devices=(GEFORCE,)),
    case("G019", "pass", **PAIR),
    case("G019", "warn", **PAIR, **one(nvlinks=0)),
    case("G019", "warn", **PAIR, **one(nvlinks=None)),
    case("G019", "unknown", **PAIR, **one(nvlinks=NOT_READ)),
    case("G019", "skip"),
    case("G020", "pass"),
    case("G020", "warn", **one(compute_mode=3)),
    case("G020", "fail", **one(compute_mode=2)),
    case("G020", "unknown", **one(compute_mode=NOT_READ)),
    case("G020", "skip", gpus__devices=(GEFORCE,)),
]


def test_of_unequal_links_the_fewest_are_told() -> None:
    subject = changed(WELL, {**PAIR, "gpus__devices": (gpu(0, nvlinks=18), gpu(1, nvlinks=12))})
    assert topology(subject).data == {"links": 12}


def test_gpus_that_differ_are_told_with_what_differs() -> None:
    pair = (gpu(0), gpu(1, compute=(8, 0), name="NVIDIA A100"))
    told = gpu_mixed(changed(WELL, {**PAIR, "gpus__devices": pair})).data["names"]
    assert told == ["0: NVIDIA H100 80GB HBM3 9.0", "1: NVIDIA A100 8.0"]
    pair = (gpu(0), gpu(1, memory_total=40 * GIB))
    told = gpu_mixed(changed(WELL, {**PAIR, "gpus__devices": pair})).data["names"]
    assert told == ["0: NVIDIA H100 80GB HBM3 85.9 GB", "1: NVIDIA H100 80GB HBM3 42.9 GB"]
