"""The weights of a Hugging Face checkpoint as arrays, one at a time: mapped from the disk, never loaded whole."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment.artifacts.safetensors import Safetensors, Tensor, read_safetensors
from environment.errors import Trouble

Floats = NDArray[np.float32]
LOOK = "./inv doctor --model DIR   says what is broken"


def _bfloat16(raw: memoryview) -> Floats:
    """A bfloat16 is the upper half of a float32."""
    wide = np.frombuffer(raw, dtype="<u2").astype(np.uint32) << 16
    return wide.view(np.float32)


def _plain(kind: str) -> Callable[[memoryview], Floats]:
    return lambda raw: np.frombuffer(raw, dtype=kind).astype(np.float32)


READERS: Mapping[str, Callable[[memoryview], Floats]] = MappingProxyType(
    {"BF16": _bfloat16, "F16": _plain("<f2"), "F32": _plain("<f4")}
)


@dataclass(frozen=True)
class Weights:
    """Every tensor of a checkpoint by name, over all its shards."""

    placed: Mapping[str, tuple[Path, Tensor]]

    def __contains__(self, name: str) -> bool:
        return name in self.placed

    def get(self, name: str) -> Floats:
        """The tensor as float32; raises Trouble when it is absent or of a type that no CPU engine reads."""
        path, tensor = self._found(name)
        if tensor.dtype not in READERS:
            known = ", ".join(READERS)
            what = f"{name} is {tensor.dtype}; the CPU engine reads {known}"
            raise Trouble(what, where=str(path), mend="rehearse with the checkpoint that is not quantized")
        return READERS[tensor.dtype](_mapped(path, tensor)).reshape(tensor.shape)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of the tensor, which is not read; raises Trouble when it is absent."""
        return tuple(self._found(name)[1].shape)

    def _found(self, name: str) -> tuple[Path, Tensor]:
        if name not in self.placed:
            why = "the model that config.json describes needs it"
            raise Trouble(f"the checkpoint has no tensor {name!r}", why=why, mend=LOOK)
        return self.placed[name]

    def parameters(self) -> int:
        """How many numbers the checkpoint holds."""
        return sum(int(np.prod(tensor.shape, dtype=np.int64)) for _, tensor in self.placed.values())


def open_weights(folder: Path, shards: tuple[str, ...]) -> Weights:
    """The weights in these shard files of `folder`, whose headers are read again."""
    placed: dict[str, tuple[Path, Tensor]] = {}
    for name in shards:
        header: Any = read_safetensors(folder / name)
        if not isinstance(header, Safetensors):
            raise Trouble(header.reason, where=str(folder / name), mend=LOOK)
        placed |= {key: (folder / name, tensor) for key, tensor in header.tensors.items()}
    return Weights(placed)


def _mapped(path: Path, tensor: Tensor) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[tensor.start : tensor.end]
