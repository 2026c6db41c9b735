"""What the check of a started container says, case by case; the words are the engine's and nvidia-smi's own."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from doctor.facts.image import Smoke
from tests.doctor.well import NOT_READ, case

HOSTS = Path(__file__).parents[2] / "transcripts" / "hosts"
REAL = msgspec.json.decode((HOSTS / "gpu_inside.txt").read_bytes(), type=Smoke)
LISTED = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0)\n"
NO_DRIVER = 'could not select device driver "" with capabilities: [[gpu]]'
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
TOO_OLD = "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4, please update your driver"


def seen(**fields: object) -> dict[str, object]:
    return {"image__smoke": replace(Smoke(smi_said=LISTED, cuda=0, devices=1), **fields)}


CASES = [
    case("D010", "pass", **seen()),
    case("D010", "pass", image__smoke=REAL),
    case("D010", "skip"),
    case("D010", "skip", image=None),
    case("D010", "unknown", image__smoke=NOT_READ),
    case("D010", "fail", **seen(refused="python3 ended with 1: no such file")),
    case("D010", "fail-toolkit", **seen(refused=NO_DRIVER)),
    case("D010", "fail-driver", **seen(refused=TOO_OLD)),
    case("D010", "fail-cgroup", **seen(smi=255, smi_said="Failed to initialize NVML: Unknown Error", cuda=999)),
    case("D010", "fail-mismatch", **seen(smi=18, smi_said=MISMATCH)),
    case("D010", "fail-library", **seen(smi=127, smi_said="", cuda=None, cuda_said="libcuda.so.1: cannot open")),
    case("D010", "fail-fabric", **seen(cuda=802, devices=0)),
    case("D010", "fail-compat", **seen(cuda=803, devices=0)),
    case("D010", "fail-cuda", **seen(cuda=999, devices=0)),
    case("D010", "fail-none", **seen(devices=0)),
    case("D010", "fail-none", **seen(smi=9, smi_said="No devices were found")),
]
