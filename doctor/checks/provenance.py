"""Whether the image is the one that was locked, and which libcuda it would load."""

from __future__ import annotations

from doctor.checks.driver import devices_of, driver_of
from doctor.checks.rules import family
from doctor.facts.image import Image
from doctor.facts.lock import Locked
from doctor.facts.versions import at_least
from doctor.outcome import Finding, NotAsked, NotKnown, failed, given, known, noted, passed, warned
from doctor.subject import Subject
from environment.image_layout import IDENTITY, RELEASE


def image_digest(subject: Subject) -> Finding:
    """The image under the locked name is the locked one: tags move, digests do not."""
    image, lock = _image_and_lock(subject)
    labels = known(image.labels)
    if image.reference == lock.base.reference and lock.base.digest:
        found = [digest.partition("@")[2] for digest in known(image.digests)]
        values = {"image": image.reference, "found": found or ("-",), "wanted": lock.base.digest}
        return passed(**values) if lock.base.digest in found else failed("fail-base", **values)
    if image.reference != lock.image.name:
        raise NotAsked("not-in-lock")
    values = {"image": image.reference, "found": labels.get(IDENTITY, "-"), "wanted": lock.image.identity}
    return passed(**values) if values["found"] == values["wanted"] else failed(**values, tag=lock.release)


def drift(subject: Subject) -> Finding:
    """Upstream's files in the image are those that were locked."""
    image, lock = _image_and_lock(subject)
    if known(image.labels).get(RELEASE) != lock.release:
        raise NotAsked("not-in-lock")
    here = known(image.probe).upstream
    changed = sorted(name for name in {*here, *lock.upstream} if here.get(name) != lock.upstream.get(name))
    return noted(changed=changed, count=len(changed)) if changed else passed(count=len(here))


def compat_library(subject: Subject) -> Finding:
    """No libcuda of the image stands before the driver's own, unless the driver and the GPUs bear it."""
    found = known(given(subject.image, "no-image").probe).libcuda
    if found is None:
        raise NotKnown("an older probe looked into the image: it did not ask for libcuda")
    if not found:
        return passed()
    driver, version = driver_of(subject), found[0].rpartition(".so.")[2]
    values = {"first": found[0], "version": version, "driver": driver, "folder": found[0].rpartition("/")[0]}
    if version == driver:
        return passed("pass-same", **values)
    if not at_least(version, driver):
        return failed("fail-older", **values)
    data_center = all(known(gpu.data_center) for gpu in devices_of(subject))
    return warned(**values) if data_center else failed(**values)


def _image_and_lock(subject: Subject) -> tuple[Image, Locked]:
    image = given(subject.image, "no-image")
    lock = known(image.lock) if image.lock is not None else None
    return image, given(lock, "no-lock")


CHECKS = [
    *family("D", {"D009": image_digest}),
    *family("I", {"I007": compat_library, "I011": drift}),
]
