"""Whom a plan is judged for: as named on the command line, by an image, or this host's GPU."""

from __future__ import annotations

import re

from doctor.facts import gpu
from doctor.facts import image as facts
from doctor.facts.image import Image
from doctor.probes import gpu as probes
from doctor.probes import image as image_probes
from doctor.probes.taking import finish, start
from doctor.verdict import Target
from environment.errors import Undetermined, Usage
from environment.releases import Container, Release, every
from environment.unknown import Unknown

TENSORRT = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
COMPUTE = re.compile(r"\d{1,3}\.\d{1,3}")


def target(for_tensorrt: str = "", for_compute: str = "", image: str = "") -> Target:
    """The target that the options name; what they leave open is this host's GPU, or not known."""
    tensorrt = for_tensorrt or (tensorrt_of(image) if image else "")
    return Target(tensorrt=_tensorrt(tensorrt), compute=_compute(for_compute) if for_compute else host_compute())


def _tensorrt(word: str) -> tuple[int, ...] | None:
    if not word:
        return None
    if not TENSORRT.fullmatch(word):
        raise Usage(f"--for-tensorrt {word} is no TensorRT version", why="it has four numbers", mend="such as 10.0.1.6")
    return tuple(map(int, word.split(".")))


def _compute(word: str) -> tuple[int, int]:
    if not COMPUTE.fullmatch(word):
        raise Usage(f"--for-compute {word} is no compute capability", why="it has two numbers", mend="such as 9.0")
    major, _, minor = word.partition(".")
    return int(major), int(minor)


def tensorrt_of(image: str) -> str:
    """The TensorRT in an image: as the releases' data has it, else as the image itself says; raises Undetermined."""
    known = {container.image: full(container, release) for release in every() for container in release.containers}
    found = known.get(image) or probed(facts.parse(finish(start(image_probes.probes(image)))))
    if isinstance(found, Unknown):
        raise Undetermined(
            f"the TensorRT of {image} is not known",
            why=found.reason,
            mend="name its version: --for-tensorrt 10.0.1.6",
        )
    return found


def probed(image: Image | None) -> str | Unknown:
    """The four numbers of the TensorRT whose headers lie in an image that was looked into."""
    probe = image.probe if image else Unknown("nobody looked into it")
    if isinstance(probe, Unknown):
        return probe
    return next(iter(probe.tensorrt_headers.values()), None) or Unknown("no headers of TensorRT were found in it")


def full(container: Container, release: Release) -> str:
    """Its four numbers. Documents often give three: the fourth is then the release's own, if the three agree."""
    said = container.observed.tensorrt or container.claimed.tensorrt or ""
    built = release.versions.tensorrt
    return built if said and built.startswith(f"{said}.") else said


def host_compute() -> tuple[int, int] | None:
    """The compute capability of this host's first GPU; None without one."""
    devices = gpu.parse(finish(start(probes.probes()))).devices
    if isinstance(devices, Unknown) or not devices or isinstance(devices[0].compute, Unknown):
        return None
    return devices[0].compute
