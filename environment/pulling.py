"""A pull as its events tell of it. Nothing bounds one by itself: what does not move any more is given up here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from environment.docker_errors import DockerTrouble, explain
from environment.images.reference import parts
from environment.layers import Layers, after


def kept_moving(events: Iterable[Mapping[str, Any]], reference: str, patience: int) -> Iterator[Layers]:
    """The layers after each event; raises when the engine reports an error, or only retries for `patience` seconds."""
    doing, layers, moved = f"pulling {reference}", Layers(), time.monotonic()
    for event in events:
        if "error" in event:
            raise explain(str(event["error"]), doing, registry=parts(reference)[0])
        before, layers = layers, after(layers, event)
        if layers.movements != before.movements:
            moved = time.monotonic()
        elif time.monotonic() - moved > patience:
            raise stalled(doing, patience, layers)
        yield layers


def stalled(doing: str, patience: int, layers: Layers) -> DockerTrouble:
    """The trouble of a pull in which nothing moves any more."""
    return DockerTrouble(
        f"{doing}: no byte for {patience} s, given up ({layers})",
        id="stalled",
        why="neither the engine nor the registry ends such a pull by itself",
        mend="check the network to the registry, then run the same command again",
    )
