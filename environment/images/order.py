"""The words of `invoke image` as one order, each checked where it enters, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from environment.errors import Usage, unknown_name
from environment.images.choice import WAYS, Choice, choose
from environment.images.reference import UNVERIFIED, checked_name, checked_registry, mirrored
from environment.images.trust import checked_ca
from environment.releases import DEFAULT_TAG, Release, find

ARCHITECTURE = re.compile(r"\d{2,3}[af]?(-real|-virtual)?|native")
OVERLAID = "BASE"  # the overlay's own name for what it is put on; a Dockerfile of upstream's has BASE_IMAGE and others
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be made. `jobs` and `architectures` override what the host suggests; `name` the tag of the result.

    `digests` hold what a lock file pins, by the Dockerfile's argument that names the image. `ca` is a file of
    certificates that a build from source trusts besides the usual ones.
    """

    release: Release
    choice: Choice
    name: str
    registry: str = ""
    jobs: int = 0
    architectures: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    ca: str = ""

    @property
    def candidate(self) -> str:
        """The name the image has until it is verified."""
        return f"{self.name}{UNVERIFIED}"


def ordered(
    *, tag: str, way: str, name: str, registry: str, jobs: int = 0, architectures: str = "", ca: str = ""
) -> Order:
    """The order; raises Usage for words that are off, Trouble for a way that this release does not have."""
    if way and way not in WAYS:
        raise unknown_name("way of --from", way, WAYS)
    if jobs < 0:
        mend = "leave it out, and what this host's memory bears is taken; or such as --jobs 4"
        raise Usage(f"--jobs {jobs} is no number of compile jobs", mend=mend)
    release = find(tag or DEFAULT_TAG)
    return Order(
        release=release,
        choice=choose(release, WAYS.get(way)),
        name=checked_name(name) if name else image_name(release.tag),
        registry=checked_registry(registry),
        jobs=jobs,
        architectures=checked_architectures(architectures),
        ca=checked_ca(ca),
    )


def checked_architectures(text: str) -> tuple[str, ...]:
    """`80-real;90-real` or `80-real,90-real` as CMake architectures; raises Usage for anything else."""
    words = tuple(word for word in re.split(r"[;,\s]+", text) if word)
    for word in words:
        if not ARCHITECTURE.fullmatch(word):
            raise Usage(f"--arch {word!r} is no CUDA architecture", mend="for example --arch 90-real (Hopper)")
    return words


def image_name(tag: str) -> str:
    """The name of a release's image when no other is asked for."""
    return f"trtllm:{tag}"


def source_name(tag: str) -> str:
    """The name of what upstream's own Dockerfile makes of a release's source."""
    return f"trtllm-source:{tag}"


def base_of(order: Order) -> str:
    """The image that the overlay is put on: NVIDIA's, or the one built from source."""
    if order.choice.way == "source":
        return source_name(order.release.tag)
    return mirrored(order.release.ngc.recommended_image or "", order.registry)


def bases(order: Order) -> dict[str, str]:
    """What is pulled, by the argument that names it: NVIDIA's container, or what a build from source stands on."""
    if order.choice.way == "ngc":
        return {OVERLAID: base_of(order)}
    images = order.release.source_build.images
    return {name: mirrored(reference, order.registry) for name, reference in images.items()}


def exact(reference: str, digest: str) -> str:
    """The reference as it is pulled: by its digest when one is locked."""
    return f"{reference.rpartition(':')[0]}@{digest}" if digest else reference


def pulled(order: Order) -> tuple[str, ...]:
    """The references of what is pulled, the one that everything else stands on first."""
    return tuple(exact(reference, order.digests.get(name, "")) for name, reference in bases(order).items())
