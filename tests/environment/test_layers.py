"""A pull's events, folded into a value."""

from __future__ import annotations

from functools import reduce
from typing import Any

from environment.layers import Layers, after, amount

EVENTS: list[dict[str, Any]] = [
    {"status": "Pulling from nvidia/tritonserver", "id": "24.06"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"},
    {"status": "Already exists", "progressDetail": {}, "id": "b"},
    {"status": "Downloading", "progressDetail": {"current": 500, "total": 2000}, "id": "a"},
]


def test_bytes_and_layers_are_counted() -> None:
    layers = reduce(after, EVENTS, Layers())
    assert str(layers) == "1 of 2 layers, 500 B of 2 kB"
    done = after(layers, {"status": "Pull complete", "id": "a"})
    assert (done.whole, done.current) == (2, 2000)


def test_unpacking_does_not_count_bytes_twice() -> None:
    layers = reduce(after, [*EVENTS, {"status": "Download complete", "id": "a"}], Layers())
    unpacking = after(layers, {"status": "Extracting", "progressDetail": {"current": 7, "total": 9}, "id": "a"})
    assert unpacking.current == layers.current == 2000
    assert unpacking.movements > layers.movements


def test_a_retry_is_no_movement() -> None:
    layers = reduce(after, EVENTS, Layers())
    for second in (5, 4, 3):
        again = after(layers, {"status": f"Retrying in {second} seconds", "id": "a"})
        assert again.movements == layers.movements
        layers = again


def test_events_without_a_layer_change_nothing() -> None:
    assert after(Layers(), {"status": "Digest: sha256:00"}) == Layers()
    assert after(Layers(), {"status": "This registry does not appear to conform", "id": "WARNING"}) == Layers()


def test_amounts() -> None:
    assert [amount(size) for size in (0, 999, 31_000, 5_300_000, 14_200_000_000)] == [
        "0 B",
        "999 B",
        "31 kB",
        "5 MB",
        "14.2 GB",
    ]
