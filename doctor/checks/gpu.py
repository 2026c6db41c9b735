"""G: the driver and the GPUs."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.facts.gpu import Gpu
from doctor.facts.versions import at_least, parts
from doctor.outcome import Finding, failed, given, known, passed
from doctor.subject import Subject


def driver_loaded(subject: Subject) -> Finding:
    """NVML answers, which it does only with the kernel's module loaded."""
    if isinstance(subject.gpus.driver, str):
        return passed(driver=subject.gpus.driver)
    if known(subject.host.module_driver) is None:
        return failed("fail-nouveau" if "nouveau" in known(subject.host.modules) else "fail")
    return failed("fail-silent", module=subject.host.module_driver, said=subject.gpus.trouble)


def driver_matches_library(subject: Subject) -> Finding:
    """The loaded module and the libraries on disk are of one version."""
    module = given(known(subject.host.module_driver), "no-driver")
    if "mismatch" in subject.gpus.trouble.lower():
        return failed(module=module, said=subject.gpus.trouble)
    driver = known(subject.gpus.driver)
    return passed(module=module) if parts(driver) == parts(module) else failed(module=module, said=driver)


def driver_for_image(subject: Subject) -> Finding:
    """The driver is new enough for the release's CUDA: fully, within its major version, or by forward compatibility."""
    floors, driver = subject.release.driver, driver_of(subject)
    values = {
        "driver": driver,
        "native": floors.native_min,
        "minor": floors.minor_version_min,
        "tag": subject.release.tag,
        "cuda": floors.cuda,
    }
    if at_least(driver, floors.native_min):
        return passed(**values)
    if at_least(driver, floors.minor_version_min):
        return passed("pass-minor", **values)
    floor = next((floor for floor in floors.datacenter_forward_compat if branch(floor) == branch(driver)), None)
    if floor is None or not at_least(driver, floor):
        return failed(**values)
    if all(known(gpu.data_center) for gpu in devices_of(subject)):
        return passed("pass-forward", **values, floor=floor)
    return failed("fail-forward", **values, floor=floor)


def gpu_count(subject: Subject) -> Finding:
    """As many GPUs as ranks."""
    found, needed = len(known(subject.gpus.devices)), subject.asked.gpus
    asked = subject.asked
    values = {"found": found, "needed": needed, "tp": asked.tensor_parallel, "pp": asked.pipeline_parallel}
    return passed(**values) if found >= needed else failed(**values)


def driver_of(subject: Subject) -> str:
    """The driver's version; a host without a driver is G001's affair."""
    if isinstance(subject.gpus.driver, str):
        return subject.gpus.driver
    return given(known(subject.host.module_driver), "no-driver")


def devices_of(subject: Subject) -> tuple[Gpu, ...]:
    """The devices there are; a host without any is G008's affair."""
    return given(known(subject.gpus.devices) or None, "no-gpu")


def branch(driver: str) -> int:
    """550.54.14 is of branch 550."""
    return parts(driver)[0]


CHECKS = family(
    "G",
    {
        "G001": driver_loaded,
        "G002": driver_matches_library,
        "G003": driver_for_image,
        "G008": gpu_count,
    },
)
