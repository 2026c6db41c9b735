"""What NVML's readings say of the driver and the GPUs. Pure. What NVML refused to say is `Unknown` with its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from doctor.facts.readings import Readings, Said, reading, record
from environment.data import Value
from environment.unknown import Unknown, then

T = TypeVar("T")
DATA_CENTER_BRANDS = (
    2,
    14,
)  # NVML_BRAND_TESLA, NVML_BRAND_NVIDIA (A100 and later): the others are not data-center GPUs
NOT_THERE = "NVML is not there: the driver is not installed"


class Fabric(Said, frozen=True, kw_only=True):
    """NVML_GPU_FABRIC_STATE_* (3 is completed), and the NVML return code of its end (0 is success)."""

    state: int
    status: int


class ComputeProcess(Said, frozen=True, kw_only=True):
    """A process with a CUDA context, and the bytes it holds when NVML may say."""

    pid: int
    used: int | None


class Sizes(Said, frozen=True, kw_only=True):
    """Bytes of a GPU's memory."""

    total: int
    free: int
    used: int


class Gpu(Value, frozen=True, kw_only=True):
    """One device. Memory in bytes; `compute` is the compute capability, as (9, 0); None is what it does not have."""

    index: int
    name: str | Unknown
    data_center: bool | Unknown
    compute: tuple[int, int] | Unknown
    cores: int | Unknown | None
    memory_total: int | Unknown
    memory_used: int | Unknown
    mig: bool | Unknown | None
    persistence: bool | Unknown | None
    compute_mode: int | Unknown | None
    ecc_uncorrected: int | Unknown | None
    remapped_rows: tuple[int, int, int, int] | Unknown | None
    retired_pending: bool | Unknown | None
    slowed_by: int | Unknown | None
    fabric: Fabric | Unknown | None
    nvlinks: int | Unknown | None
    processes: tuple[ComputeProcess, ...] | Unknown


class Gpus(Value, frozen=True, kw_only=True):
    """The driver and its devices. `devices` is empty when NVML certainly is not there."""

    driver: str | Unknown
    cuda: tuple[int, int] | Unknown
    trouble: str
    devices: tuple[Gpu, ...] | Unknown


def parse(readings: Readings) -> Gpus:
    """The driver and the GPUs."""
    taken = reading(readings, "nvml")
    if taken.status == "absent":
        gone = Unknown(NOT_THERE)
        return Gpus(driver=gone, cuda=gone, trouble=taken.reason, devices=())
    said, fabric = record(readings, "nvml", dict[str, Any]), _fabric(readings)
    rows = then(said, lambda words: _answer(words, "devices", list[dict[str, Any]]))
    return Gpus(
        driver=then(said, lambda words: _answer(words, "driver", str)),
        cuda=then(
            then(said, lambda words: _answer(words, "cuda", int)), lambda number: (number // 1000, number % 1000 // 10)
        ),
        trouble=taken.reason if taken.status == "refused" else "",
        devices=then(rows, lambda found: tuple(_gpu(index, row, fabric) for index, row in enumerate(found))),
    )


def _fabric(readings: Readings) -> tuple[Fabric, ...] | Unknown | None:
    """Each GPU's place in the fabric; None when the driver knows no fabric."""
    said = record(readings, "nvml/fabric", dict[str, Any])
    return said if isinstance(said, Unknown) else _own(said, "fabric", tuple[Fabric, ...])


def _gpu(index: int, said: Mapping[str, Any], fabric: tuple[Fabric, ...] | Unknown | None) -> Gpu:
    memory = _answer(said, "memory", Sizes)
    return Gpu(
        index=index,
        name=_answer(said, "name", str),
        data_center=then(_answer(said, "brand", int), lambda brand: brand in DATA_CENTER_BRANDS),
        compute=_answer(said, "compute", tuple[int, int]),
        cores=_own(said, "cores", int),
        memory_total=then(memory, lambda sizes: sizes.total),
        memory_used=then(memory, lambda sizes: sizes.used),
        mig=_own(said, "mig", bool),
        persistence=_own(said, "persistence", bool),
        compute_mode=_own(said, "compute_mode", int),
        ecc_uncorrected=_own(said, "ecc_uncorrected", int),
        remapped_rows=_own(said, "remapped_rows", tuple[int, int, int, int]),
        retired_pending=_own(said, "retired_pending", bool),
        slowed_by=_own(said, "slowed_by", int),
        fabric=_place(fabric, index),
        nvlinks=_own(said, "nvlinks", int),
        processes=_answer(said, "processes", tuple[ComputeProcess, ...]),
    )


def _place(fabric: tuple[Fabric, ...] | Unknown | None, index: int) -> Fabric | Unknown | None:
    """This GPU's place among those of all."""
    if not isinstance(fabric, tuple):
        return fabric
    return fabric[index] if index < len(fabric) else Unknown("NVML told the place in the fabric of fewer GPUs")


def _own(said: Mapping[str, Any], question: str, kind: type[T]) -> T | Unknown | None:
    """As `_answer`, and None when NVML says that this device has no such thing."""
    answer = said.get(question)
    if isinstance(answer, dict) and "not supported" in str(answer.get("refused", "")).lower():
        return None
    return _answer(said, question, kind)


def _answer(said: Mapping[str, Any], question: str, kind: type[T]) -> T | Unknown:
    """NVML's answer to one question as a value of `kind`; Unknown with its words when it refused."""
    answer = said.get(question)
    if isinstance(answer, dict) and "refused" in answer:
        return Unknown(f"NVML does not say its {question}: {answer['refused']}")
    try:
        return msgspec.convert(answer, kind, strict=False)  # NVML says 0 and 1 for no and yes
    except msgspec.ValidationError as error:
        return Unknown(f"NVML's answer to {question} is not understood: {error}")
