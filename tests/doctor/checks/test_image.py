"""What the checks of family I say, and those of family X that look into images, case by case."""

from __future__ import annotations

from doctor.facts.image import TENSORRTLLM_BACKEND
from doctor.facts.linking import Linking, Quarrel
from doctor.redaction import MARK
from environment.images.probed import Probed
from environment.releases import find
from tests.doctor.well import NOT_READ, WELL, case

assert WELL.image is not None
assert isinstance(WELL.image.probe, Probed)
PACKAGES = WELL.image.probe.packages
HEADER = "/usr/local/tensorrt/include/NvInferVersion.h"


def packages(**versions: str | None) -> dict[str, object]:
    return {"image__probe__packages": {**PACKAGES, **versions}}


def mixed(taken: str, fitting: str = "") -> dict[str, object]:
    symbol, wanting = "opal_hwloc201_hwloc_get_type_depth", "/opt/hpcx/ompi/lib/libmpi.so.40"
    quarrel = Quarrel(symbol=symbol, wanting=wanting, taken=taken, fitting=fitting)
    return {"linking": Linking(loaded=(wanting, taken), quarrel=quarrel, damaged=())}


DEBIAN = "/usr/lib/x86_64-linux-gnu/libopen-pal.so.40"
CASES = [
    case("I001", "pass"),
    case("I001", "fail", **packages(tensorrt="9.3.0")),
    case("I001", "fail", image__probe__nvinfer=("/usr/lib/libnvinfer.so.8.6.3", "/opt/libnvinfer.so.10.0.1")),
    case("I001", "fail", **packages(tensorrt="10.0.1.5")),
    case("I001", "pass", **packages(tensorrt="10.0.1.6")),
    case("I001", "pass", **packages(tensorrt="10.0.1.post12.dev1")),
    case("I001", "skip", image__probe__packages={}, image__probe__nvinfer=(), image__probe__tensorrt_headers={}),
    case("I001", "unknown", image__probe=NOT_READ),
    case("I002", "pass"),
    case("I002", "fail", **packages(tensorrt_llm="0.9.0")),
    case("I002", "fail-other", **packages(tensorrt_llm="0.9.0.dev2024030500")),
    case("I002", "skip", **packages(tensorrt_llm=None)),
    case("I002", "unknown", image__probe=NOT_READ),
    case("I003", "pass"),
    case("I003", "pass", image__probe__container="24.03"),
    case("I003", "warn", image__probe__container="24.05"),
    case("I003", "skip", image__probe__container=None),
    case("I003", "unknown", image__probe=NOT_READ),
    case("I004", "pass"),
    case("I004", "fail", image__probe__backends={TENSORRTLLM_BACKEND: ()}),
    case("I004", "unknown", image__probe=NOT_READ),
    case("I004", "skip", image=None),
    case("I005", "pass", linking=Linking(loaded=("/opt/hpcx/ompi/lib/libmpi.so.40",), quarrel=None, damaged=())),
    case("I005", "fail-path", **mixed(DEBIAN, "/opt/hpcx/ompi/lib/libopen-pal.so.40")),
    case("I005", "fail-package", **mixed(DEBIAN)),
    case("I005", "fail-conda", **mixed("/root/miniconda3/lib/libopen-pal.so.40")),
    case("I005", "fail-rebuild", **mixed("/usr/local/lib/libopen-pal.so.40")),
    case("I005", "fail-missing", **mixed("")),
    case("I005", "skip"),
    case("I005", "unknown", linking=NOT_READ),
    case("I006", "pass"),
    case("I006", "fail", image__probe__tensorrt_headers={HEADER: "10.0.1.5"}),
    case("I006", "skip", image__probe__tensorrt_headers={}),
    case("I006", "unknown", image__probe=NOT_READ),
    case("I008", "pass"),
    case("I008", "fail", **packages(numpy="2.1.0")),
    case("I008", "skip", **packages(numpy=None)),
    case("I008", "skip", release=find("v0.9.0")),
    case("I008", "unknown", **packages(numpy="of today")),
    case("I008", "unknown", image__probe=NOT_READ),
    case("I009", "pass"),
    case("I009", "warn", **packages(transformers="4.36.1")),
    case("I009", "unknown", **packages(transformers="not a version")),
    case("I009", "unknown", image__probe=NOT_READ),
    case("I010", "pass", image__conflicts=()),
    case("I010", "warn", image__conflicts=("torch 2.2.2 requires filelock, which is not installed.",)),
    case("I010", "skip", image__conflicts=None),
    case("I010", "unknown", image__conflicts=NOT_READ),
    case("I012", "pass"),
    case("I012", "fail", image__probe__machine="aarch64"),
    case("I012", "unknown", image__probe=NOT_READ),
    case("X006", "pass"),
    case("X006", "warn", image__user=""),
    case("X006", "warn", image__user="0:1000"),
    case("X006", "warn", image__user="root:triton-server"),
    case("X006", "unknown", image__user=NOT_READ),
    case("X006", "skip", image=None),
    case("X008", "pass"),
    case("X008", "fail", image__environment={"HF_TOKEN": MARK}),
    case("X008", "fail", image__history=(f"RUN login --token {MARK}",)),
    case("X008", "unknown", image__history=NOT_READ),
]
