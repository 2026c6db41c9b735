"""The layers of an image while they come in, as a value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

WHOLE = ("Pull complete", "Already exists")
NOTHING: Mapping[str, Layer] = MappingProxyType({})


@dataclass(frozen=True)
class Layer:
    """One layer: what the engine last said of it, and how far it is. `total` is 0 until the engine knows it; bytes."""

    status: str
    current: int = 0
    total: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is on this engine, unpacked."""
        return self.status in WHOLE


@dataclass(frozen=True)
class Layers:
    """All layers the engine has spoken of so far, by their short id."""

    layers: Mapping[str, Layer] = field(default_factory=lambda: NOTHING)
    movements: int = 0  # grows with every sign of progress; a retry is none

    @property
    def current(self) -> int:
        """Bytes here."""
        return sum(layer.current for layer in self.layers.values())

    @property
    def total(self) -> int:
        """Bytes of the layers whose size the engine has told."""
        return sum(layer.total for layer in self.layers.values())

    @property
    def whole(self) -> int:
        """How many layers are complete."""
        return sum(layer.whole for layer in self.layers.values())

    def __str__(self) -> str:
        return f"{self.whole} of {len(self.layers)} layers, {amount(self.current)} of {amount(self.total)}"


def after(layers: Layers, event: Mapping[str, Any]) -> Layers:
    """The layers after one event of the engine's stream. Events that name no layer change nothing."""
    name, status = event.get("id"), event.get("status", "")
    if not name or name == "WARNING" or status.startswith("Pulling from"):
        return layers
    old = layers.layers.get(name, Layer(""))
    new = moved(old, status, event.get("progressDetail") or {})
    news = new.current != old.current or status != old.status
    retrying = status.startswith("Retrying")
    step = 1 if news and not retrying else 0
    return replace(layers, layers={**layers.layers, name: new}, movements=layers.movements + step)


def moved(old: Layer, status: str, detail: Mapping[str, int]) -> Layer:
    """The layer after a word about it: downloading counts its bytes, unpacking does not count them again."""
    if status == "Downloading":
        return Layer(status, detail.get("current", old.current), detail.get("total", old.total))
    if status in {"Verifying Checksum", "Download complete", *WHOLE}:
        return Layer(status, old.total, old.total)
    if status == "Extracting":
        return Layer(f"Extracting {detail.get('current', 0)}", old.total, old.total)
    return Layer(status, old.current, old.total)


def amount(size: float) -> str:
    """Bytes as people read them: `1.2 GB`."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
