"""The words that every build from source is given, however upstream calls it. Pure."""

from __future__ import annotations

from pathlib import Path

from environment.image_layout import BUILT_FROM, MADE_BY, RELEASE, WAY
from environment.images import trust
from environment.images.order import Order, bases
from environment.images.reference import mirrored
from environment.machine import Machine


def build_arguments(order: Order) -> dict[str, str]:
    """The build arguments that the release pins, at the mirror if there is one."""
    given = order.release.source_build.build_args
    return {name: mirrored(value, order.registry) for name, value in given.items()}


def common_words(order: Order, machine: Machine, store: Path) -> tuple[str, ...]:
    """The words of `docker build` that do not depend on how upstream calls it.

    A proxy is named and no more: docker takes the value, which may hold a password, from its own environment, and keeps
    these arguments out of the image's history.
    """
    built_from = " ".join(f"{name}={reference}" for name, reference in bases(order).items())
    labels = {MADE_BY: "source", RELEASE: order.release.tag, WAY: "source", BUILT_FROM: built_from}
    return (
        *(word for name in machine.proxies for word in ("--build-arg", name)),
        *(word for name, value in labels.items() if value for word in ("--label", f"{name}={value}")),
        *(trust.secrets(store) if order.ca else ()),
    )
