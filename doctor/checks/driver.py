"""G, first half: the driver."""

from __future__ import annotations

import re

from doctor.checks.rules import family
from doctor.facts.gpu import Gpu
from doctor.facts.versions import at_least, parts
from doctor.outcome import Finding, failed, given, known, passed, warned
from doctor.subject import Subject

XID = re.compile(r"NVRM: Xid \([^)]*\): (\d+)")


def driver_loaded(subject: Subject) -> Finding:
    """NVML answers, which it does only with the kernel's module loaded."""
    if isinstance(subject.gpus.driver, str):
        return passed(driver=subject.gpus.driver)
    if known(subject.host.module_driver) is None:
        says = "fail-nouveau" if "nouveau" in known(subject.host.modules) else "fail"
        return failed(says, wanted=lasting_branch(subject))
    if subject.gpus.trouble:
        return failed("fail-silent", module=subject.host.module_driver, said=subject.gpus.trouble)
    return passed(driver=known(subject.gpus.driver))


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
    floor = _forward_floor(subject)
    if floor is None:
        return failed(**values)
    if all(known(gpu.data_center) for gpu in devices_of(subject)):
        return passed("pass-forward", **values, floor=floor)
    return failed("fail-forward", **values, floor=floor)


def _forward_floor(subject: Subject) -> str | None:
    """From which driver of this branch on the image's compatibility libraries work; None where they do not."""
    driver, floors = driver_of(subject), subject.release.driver.datacenter_forward_compat
    floor = next((floor for floor in floors if branch(floor) == branch(driver)), None)
    return floor if floor and at_least(driver, floor) else None


def branch_served(subject: Subject) -> Finding:
    """The driver's branch is not one that NVIDIA's notes name as a dead end."""
    driver = driver_of(subject)
    dead = next((row for row in subject.advisories.dead_branches if row.branch == branch(driver)), None)
    values = {"driver": driver, "branch": branch(driver), "wanted": lasting_branch(subject)}
    if dead is None:
        return passed(**values)
    return warned(**values, source=dead.source) if dead.forward else failed(**values, source=dead.source)


def cuda_major(subject: Subject) -> Finding:
    """The CUDA version the driver offers, itself or by forward compatibility, reaches the release's major version."""
    driver_of(subject)
    offered, wanted = known(subject.gpus.cuda), parts(subject.release.driver.cuda)[0]
    values = {"offered": "{}.{}".format(*offered), "wanted": wanted, "tag": subject.release.tag}
    if offered[0] >= wanted:
        return passed(**values)
    forward = _forward_floor(subject) and all(known(gpu.data_center) for gpu in devices_of(subject))
    return passed("pass-forward", **values) if forward else failed(**values)


def xid(subject: Subject) -> Finding:
    """The kernel's log names no fault of a GPU."""
    driver_of(subject)
    codes = XID.findall("\n".join(known(subject.host.kernel_log)))
    return warned(codes=sorted(set(codes), key=int), count=len(codes)) if codes else passed()


def driver_of(subject: Subject) -> str:
    """The driver's version; a host without a driver is G001's affair."""
    if isinstance(subject.gpus.driver, str):
        return subject.gpus.driver
    return given(known(subject.host.module_driver), "no-driver")


def devices_of(subject: Subject) -> tuple[Gpu, ...]:
    """The devices that shall work, as far as they are there; a host that lacks them is G008's affair."""
    wanted = subject.asked.devices
    found = tuple(gpu for gpu in known(subject.gpus.devices) if not wanted or gpu.index in wanted)
    return given(found or None, "no-gpu")


def lasting_branch(subject: Subject) -> int:
    """The branch to install: the oldest that still gets fixes and runs the release with everything, else the newest."""
    kept = sorted(fix.branch for fix in subject.advisories.driver_fixes if fix.supported)
    return next((number for number in kept if number >= branch(subject.release.driver.native_min)), kept[-1])


def branch(driver: str) -> int:
    """550.54.14 is of branch 550."""
    return parts(driver)[0]


CHECKS = family(
    "G",
    {
        "G001": driver_loaded,
        "G002": driver_matches_library,
        "G003": driver_for_image,
        "G004": branch_served,
        "G005": cuda_major,
        "G017": xid,
    },
)
