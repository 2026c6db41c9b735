"""A subject in the best of health, and how to make it ill in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from doctor.advisories import advisories
from doctor.asked import Asked
from doctor.facts.docker import Docker
from doctor.facts.gpu import Fabric, Gpu, Gpus
from doctor.facts.host import Devices, Disk, Host, Limits, Memory, System
from doctor.facts.image import TENSORRTLLM_BACKEND, Image
from doctor.subject import Subject
from environment.images.probed import Probed
from environment.releases import find
from environment.unknown import Unknown
from tests.doctor.artifacts import WELL_ARTIFACTS

GIB = 1 << 30
NOT_READ = Unknown("it was not read")


def disk(path: str = "/", **changes: Any) -> Disk:
    room = Disk(
        path=path,
        free=900 * GIB,
        total=1000 * GIB,
        files=10**7,
        files_free=9 * 10**6,
        readonly=False,
        world_writable=False,
        sticky=False,
    )
    return replace(room, **changes)


def gpu(index: int = 0, **changes: Any) -> Gpu:
    device = Gpu(
        index=index,
        name="NVIDIA H100 80GB HBM3",
        data_center=True,
        compute=(9, 0),
        cores=16896,
        memory_total=80 * GIB,
        memory_used=0,
        mig=False,
        persistence=True,
        compute_mode=0,
        ecc_uncorrected=0,
        remapped_rows=(0, 0, 0, 0),
        retired_pending=False,
        slowed_by=1,
        fabric=Fabric(state=3, status=0),
        nvlinks=18,
        processes=(),
    )
    return replace(device, **changes)


WELL = Subject(
    host=Host(
        system=System(
            system="Linux",
            release="6.1.0",
            machine="x86_64",
            cpus=32,
            python="3.11.2",
            day="2026-11-21",
        ),
        distribution="Ubuntu 22.04.4 LTS",
        memory=Memory(total=256 * GIB, available=240 * GIB, swap=0),
        disks={name: disk() for name in ("work", "cache", "docker", "tmp", "shm")},
        file_systems={"/": "ext4", "/dev/shm": "tmpfs"},
        environment={},
        modules=frozenset({"nvidia"}),
        module_driver="550.54.15",
        kernel_log=(),
        ports={22: True},
        servers=(),
        limits=Limits(memlock=-1, uid=1000),
        devices=Devices(cdi=(), links=("/dev/char/195:0",), nvidia=("/dev/nvidia0",)),
        tools={
            "nvidia-ctk": "NVIDIA Container Toolkit CLI version 1.19.1",
            "git": "git version 2.39.2",
            "git-lfs": "git-lfs/3.3.0",
        },
        toolkit_settings={"no-cgroups": False},
        server=None,
    ),
    gpus=Gpus(driver="550.54.15", cuda=(12, 4), trouble="", devices=(gpu(0), gpu(1))),
    docker=Docker(
        engine="up",
        said="",
        version="28.5.2",
        root="/var/lib/docker",
        storage="overlay2",
        runtimes=("io.containerd.runc.v2", "nvidia", "runc"),
        cgroup_driver="cgroupfs",
        rootless=False,
        buildx="v0.29.1",
        components={"Engine": "28.5.2", "containerd": "1.7.28", "runc": "1.3.3"},
        containers=(),
        plain_logins=(),
        servers=(),
    ),
    release=find("v0.10.0"),
    asked=Asked(),
    artifacts=WELL_ARTIFACTS,
    advisories=advisories(),
    image=Image(
        reference="trtllm:v0.10.0",
        present=True,
        digests=("nvcr.io/nvidia/tritonserver@sha256:" + "0" * 64,),
        size=31 * 10**9,
        user="1000:1000",
        environment={"PATH": "/usr/bin"},
        labels={},
        history=("RUN apt-get update",),
        probe=Probed(
            schema="probe/1",
            machine="x86_64",
            python="3.10.12",
            packages={
                "tensorrt_llm": "0.10.0",
                "tensorrt": "10.0.1",
                "torch": "2.3.0a0",
                "transformers": "4.40.2",
                "numpy": "1.26.4",
            },
            nvinfer=("/usr/local/tensorrt/lib/libnvinfer.so.10.0.1",),
            tensorrt_headers={"/usr/local/tensorrt/include/NvInferVersion.h": "10.0.1.6"},
            cuda="12.4.1",
            triton="2.47.0",
            container="24.06",
            backends={
                TENSORRTLLM_BACKEND: (
                    "libtriton_tensorrtllm.so",
                    "libtriton_tensorrtllm_common.so",
                    "trtllmExecutorWorker",
                ),
                "/opt/tritonserver/backends/python": ("libtriton_python.so", "triton_python_backend_stub"),
            },
            resolved={"libmpi.so": "/opt/hpcx/ompi/lib/libmpi.so.40.30.4"},
            copies={"libmpi.so": ("/opt/hpcx/ompi/lib/libmpi.so.40.30.4",)},
            upstream={"all_models/preprocessing/1/model.py": "5" * 64},
            user="1000:1000",
            libcuda=(),
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One check and a subject changed in a few places: what it must say."""

    id: str
    changes: dict[str, Any]
    says: str


def case(check_id: str, says: str, **changes: Any) -> Case:
    """`case("G008", "fail", asked__gpus=4)`: two underscores lead into a part of the subject."""
    return Case(id=check_id, changes=changes, says=says)


def changed(subject: Any, changes: dict[str, Any]) -> Any:
    """The subject with parts replaced: `host__memory` is the field `memory` of the field `host`."""
    for path, value in changes.items():
        subject = _changed(subject, path.split("__"), value)
    return subject


def _changed(part: Any, names: list[str], value: Any) -> Any:
    first, *rest = names
    new = _changed(part[first] if isinstance(part, dict) else getattr(part, first), rest, value) if rest else value
    if isinstance(part, dict):
        return {**part, first: new}
    return replace(part, **{first: new})
