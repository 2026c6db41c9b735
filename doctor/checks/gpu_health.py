"""G: how the GPUs fare: memory errors, heat, modes, and their place in the fabric."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from doctor.checks.driver import devices_of
from doctor.checks.rules import family
from doctor.facts.gpu import Fabric, Gpu
from doctor.outcome import Finding, NotAsked, failed, known, noted, passed, warned
from doctor.subject import Subject
from environment.unknown import Unknown

T = TypeVar("T")
PROHIBITED, EXCLUSIVE = 2, 3  # NVML_COMPUTEMODE_*
HEAT = 0x08 | 0x20 | 0x40 | 0x80  # nvmlClocksEventReason: hardware, software and thermal slowdown, power brake
FABRIC_DONE = 3  # NVML_GPU_FABRIC_STATE_COMPLETED


def fabric(subject: Subject) -> Finding:
    """On machines with NVSwitch the fabric manager has joined the GPUs; CUDA answers error 802 until it has."""
    joined: dict[int, Fabric] = _had(subject, lambda gpu: gpu.fabric, "no-fabric")
    broken = [f"{index}: state {row.state}, status {row.status}" for index, row in joined.items() if _unjoined(row)]
    return failed(broken=broken) if broken else passed(count=len(joined))


def mig(subject: Subject) -> Finding:
    """A GPU cut into instances cannot take part in tensor parallelism."""
    cut = [index for index, on in _had(subject, lambda gpu: gpu.mig, "no-mig").items() if on]
    if not cut:
        return passed()
    return failed(gpus=cut) if subject.asked.gpus > 1 else noted(gpus=cut)


def persistence(subject: Subject) -> Finding:
    """The driver keeps the GPUs awake between programs."""
    asleep = [index for index, on in _had(subject, lambda gpu: gpu.persistence, "no-persistence").items() if not on]
    return noted(gpus=asleep) if asleep else passed()


def ecc(subject: Subject) -> Finding:
    """No memory of a GPU is broken: no uncorrectable error, no page to retire, no row that could not be replaced."""
    errors = _some(subject, lambda gpu: gpu.ecc_uncorrected)
    pending = _some(subject, lambda gpu: gpu.retired_pending)
    rows = _some(subject, lambda gpu: gpu.remapped_rows)
    broken = [
        *(f"{index}: {count} uncorrectable errors" for index, count in errors.items() if count),
        *(f"{index}: pages to retire" for index, waits in pending.items() if waits),
        *(f"{index}: rows to remap" for index, row in rows.items() if row[2] or row[3]),
    ]
    if not (errors or pending or rows):
        raise NotAsked("no-ecc")
    return failed(broken=broken) if broken else passed(count=len(devices_of(subject)))


def throttle(subject: Subject) -> Finding:
    """Nothing slows the GPUs down but their own idleness."""
    hot = [index for index, bits in _had(subject, lambda gpu: gpu.slowed_by, "no-clocks").items() if bits & HEAT]
    return warned(gpus=hot) if hot else passed()


def compute_mode(subject: Subject) -> Finding:
    """Programs may open the GPUs, and more than one at a time."""
    modes = _had(subject, lambda gpu: gpu.compute_mode, "no-compute-mode")
    closed = [index for index, mode in modes.items() if mode == PROHIBITED]
    alone = [index for index, mode in modes.items() if mode == EXCLUSIVE]
    if closed:
        return failed(gpus=closed)
    return warned(gpus=alone) if alone else passed()


def _had(subject: Subject, ask: Callable[[Gpu], T | Unknown | None], otherwise: str) -> dict[int, T]:
    """The answer of every GPU that has such a thing; NotAsked when none has, NotKnown when one does not say."""
    answers = _some(subject, ask)
    if not answers:
        raise NotAsked(otherwise)
    return answers


def _some(subject: Subject, ask: Callable[[Gpu], T | Unknown | None]) -> dict[int, T]:
    said = {gpu.index: known(ask(gpu)) for gpu in devices_of(subject)}
    return {index: answer for index, answer in said.items() if answer is not None}


def _unjoined(row: Fabric) -> bool:
    return row.state in {1, 2} or (row.state == FABRIC_DONE and row.status != 0)


CHECKS = family(
    "G",
    {
        "G013": fabric,
        "G014": mig,
        "G015": persistence,
        "G016": ecc,
        "G018": throttle,
        "G020": compute_mode,
    },
)
