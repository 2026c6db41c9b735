"""The words of `invoke image` as one order, each checked where it enters. Pure."""

from __future__ import annotations

import re

from environment.errors import Usage, unknown_name
from environment.images.choice import WAYS, choose
from environment.images.planning import Order, image_name
from environment.images.reference import checked_name, checked_registry
from environment.releases import DEFAULT_TAG, find

ARCHITECTURE = re.compile(r"\d{2,3}[af]?(-real|-virtual)?|native")


def ordered(*, tag: str, way: str, name: str, registry: str, jobs: int, architectures: str) -> Order:
    """The order; raises Usage for words that are off, Trouble for a way that this release does not have."""
    if way and way not in WAYS:
        raise unknown_name("way of --from", way, WAYS)
    if jobs < 0:
        raise Usage(f"--jobs {jobs} is no number of compile jobs")
    release = find(tag or DEFAULT_TAG)
    return Order(
        release=release,
        choice=choose(release, WAYS.get(way)),
        name=checked_name(name) if name else image_name(release.tag),
        registry=checked_registry(registry),
        jobs=jobs,
        architectures=checked_architectures(architectures),
    )


def checked_architectures(text: str) -> tuple[str, ...]:
    """`80-real;90-real` or `80-real,90-real` as CMake architectures; raises Usage for anything else."""
    words = tuple(word for word in re.split(r"[;,\s]+", text) if word)
    for word in words:
        if not ARCHITECTURE.fullmatch(word):
            raise Usage(f"--arch {word!r} is no CUDA architecture", mend="for example --arch 90-real (Hopper)")
    return words
