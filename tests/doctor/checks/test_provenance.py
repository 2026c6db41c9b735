"""What the checks say of an image against its lock, and of the libcuda it would load, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doctor.facts.lock import Locked, LockedBase, LockedImage
from doctor.facts.readings import record
from doctor.probes.sources import read_file
from environment.image_layout import IDENTITY
from environment.images import lock_file as file
from environment.images.probed import Probed
from environment.workspace import lock_file
from tests.doctor.well import NOT_READ, WELL, case, gpu

assert WELL.image is not None
assert isinstance(WELL.image.probe, Probed)
BASE = LockedBase(reference="nvcr.io/nvidia/tritonserver:24.06-py3", digest="sha256:" + "0" * 64)
LOCKED = Locked(
    release="v0.10.0",
    image=LockedImage(name=WELL.image.reference, identity="0123456789ab"),
    base=BASE,
    upstream=WELL.image.probe.upstream,
)
OURS = {"io.trtllm.release": "v0.10.0", "io.trtllm.identity": "0123456789ab"}
WHOLE: dict[str, Any] = {"image__lock": LOCKED, "image__labels": OURS}
COMPAT = "/usr/local/cuda-12.4/compat/libcuda.so."
GEFORCE = {"gpus__devices": (gpu(name="NVIDIA GeForce RTX 4090", data_center=False),)}


def compat(version: str) -> dict[str, object]:
    return {"image__probe__libcuda": (f"{COMPAT}{version}",)}


CASES = [
    case("D009", "pass", **WHOLE),
    case("D009", "fail", **{**WHOLE, "image__labels": {**OURS, IDENTITY: "ba9876543210"}}),
    case("D009", "fail", **{**WHOLE, "image__labels": {}}),
    case("D009", "pass", **WHOLE, image__reference=BASE.reference),
    case("D009", "fail-base", **WHOLE, image__reference=BASE.reference, image__digests=("a@sha256:1",)),
    case("D009", "fail-base", **WHOLE, image__reference=BASE.reference, image__digests=()),
    case("D009", "skip", **WHOLE, image__reference="debian:12"),
    case("D009", "skip"),
    case("D009", "unknown", image__lock=NOT_READ),
    case("I007", "pass"),
    case("I007", "pass-same", **compat("550.54.15")),
    case("I007", "warn", **compat("560.35.03")),
    case("I007", "fail", **compat("560.35.03"), **GEFORCE),
    case("I007", "fail-older", **compat("545.23.08")),
    case("I007", "skip", **compat("545.23.08"), gpus__driver=NOT_READ, host__module_driver=None),
    case("I007", "unknown", image__probe__libcuda=None),
    case("I011", "pass", **WHOLE),
    case("I011", "note", **WHOLE, image__probe__upstream={}),
    case("I011", "skip", **{**WHOLE, "image__labels": {}}),
    case("I011", "unknown", **WHOLE, image__probe=NOT_READ),
]


def test_the_lock_is_read_as_it_is_written(tmp_path: Path) -> None:
    pinned = file.Pinned(repo="https://example.org/x", commit="0" * 40)
    written = file.Lock(
        release="v0.10.0",
        image=file.LockedImage(
            name=LOCKED.image.name, id="sha256:1", way="ngc", identity=LOCKED.image.identity, layers=9
        ),
        base=file.LockedBase(reference=BASE.reference, digest=BASE.digest),
        backend=pinned,
        tensorrt_llm=pinned,
        observed={},
        upstream=dict(LOCKED.upstream),
    )
    file.write(written, lock_file(tmp_path))
    assert record({"lock": read_file(lock_file(tmp_path))}, "lock", Locked) == LOCKED
