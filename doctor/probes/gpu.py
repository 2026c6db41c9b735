"""Readings of the GPUs through NVML: the one door to `pynvml`. What NVML cannot say of a device is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.taking import Probe, Taken

LIBRARY = "libnvidia-ml.so.1"
PROBE_DEADLINE = 10.0  # the first NVML call wakes sleeping devices


DRIVER = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia")  # Linux's, that of Windows under WSL


def probes() -> tuple[Probe, ...]:
    """One probe: NVML is initialised once, in a process of its own where there is a driver that may break it."""
    alone = any(Path(sign).exists() for sign in DRIVER)
    return (Probe(gives=("nvml", "nvml/fabric"), read=_nvml, deadline=PROBE_DEADLINE, alone=alone),)


def _nvml() -> Taken:
    if not _is_there():
        yield "nvml", Reading(status="absent", reason=f"{LIBRARY}, which comes with the driver, is not there")
        yield "nvml/fabric", Reading(status="absent", reason="there is no NVML")
        return
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        yield "nvml", Reading(status="refused", reason=str(error))
        yield "nvml/fabric", Reading(status="refused", reason=str(error))
    else:
        yield "nvml", _json(_driver(pynvml))
        yield "nvml/fabric", _json(_answers(pynvml, {"fabric": lambda: [_fabric(pynvml, one) for one in _all(pynvml)]}))
        pynvml.nvmlShutdown()


def _is_there() -> bool:
    """Whether the dynamic linker finds NVML, as pynvml will look for it; importing that takes ten times as long."""
    import ctypes

    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _all(nvml: Any) -> list[Any]:
    return [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]


def _driver(nvml: Any) -> dict[str, object]:
    return _answers(
        nvml,
        {
            "driver": nvml.nvmlSystemGetDriverVersion,
            "nvml": nvml.nvmlSystemGetNVMLVersion,
            "cuda": nvml.nvmlSystemGetCudaDriverVersion_v2,
            "devices": lambda: [_device(nvml, handle) for handle in _all(nvml)],
        },
    )


def _device(nvml: Any, handle: Any) -> dict[str, object]:
    """One GPU. Bytes for memory; `brand`, `fabric` and the reasons for slowing down are NVML's own numbers."""

    def ask(name: str, *words: object) -> Callable[[], Any]:
        return lambda: getattr(nvml, name)(handle, *words)

    return _answers(
        nvml,
        {
            "name": ask("nvmlDeviceGetName"),
            "brand": ask("nvmlDeviceGetBrand"),
            "cores": ask("nvmlDeviceGetNumGpuCores"),
            "compute": lambda: list(nvml.nvmlDeviceGetCudaComputeCapability(handle)),
            "memory": lambda: {
                name: getattr(nvml.nvmlDeviceGetMemoryInfo(handle), name) for name in ("total", "free", "used")
            },
            "mig": lambda: nvml.nvmlDeviceGetMigMode(handle)[0],
            "persistence": ask("nvmlDeviceGetPersistenceMode"),
            "compute_mode": ask("nvmlDeviceGetComputeMode"),
            "ecc": lambda: nvml.nvmlDeviceGetEccMode(handle)[0],
            "ecc_uncorrected": ask(
                "nvmlDeviceGetTotalEccErrors", nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
            ),
            "remapped_rows": lambda: list(nvml.nvmlDeviceGetRemappedRows(handle)),
            "retired_pending": ask("nvmlDeviceGetRetiredPagesPendingStatus"),
            "slowed_by": ask("nvmlDeviceGetCurrentClocksEventReasons"),
            "temperature": ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
            "power_limit_milliwatts": ask("nvmlDeviceGetEnforcedPowerLimit"),
            "nvlinks": lambda: _nvlinks(nvml, handle),
            "processes": lambda: [
                {"pid": process.pid, "used": process.usedGpuMemory}
                for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)
            ],
        },
    )


def _fabric(nvml: Any, handle: Any) -> dict[str, int]:
    from ctypes import byref

    fabric = nvml.c_nvmlGpuFabricInfo_t()
    nvml.nvmlDeviceGetGpuFabricInfo(handle, byref(fabric))  # without byref NVML writes where it was not asked to
    return {"state": fabric.state, "status": fabric.status}


def _json(value: object) -> Reading:
    return Reading(text=msgspec.json.encode(value).decode())


def _nvlinks(nvml: Any, handle: Any) -> int:
    """How many NVLinks are up."""
    up = 0
    for link in range(nvml.NVML_NVLINK_MAX_LINKS):
        try:
            up += nvml.nvmlDeviceGetNvLinkState(handle, link)
        except nvml.NVMLError:
            break
    return up


def _answers(nvml: Any, questions: dict[str, Callable[[], Any]]) -> dict[str, object]:
    """Every question's answer; one that NVML refuses is answered `{"refused": its words}`, for the parser to see."""
    answers: dict[str, object] = {}
    for name, ask in questions.items():
        try:
            answers[name] = ask()
        except nvml.NVMLError as error:
            answers[name] = {"refused": str(error)}
    return answers
