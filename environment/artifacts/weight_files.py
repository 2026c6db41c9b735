"""The weight files of a Hugging Face checkpoint: which there must be, and whether each is whole as far as it shows.

Of safetensors the header is read, of torch's files their first and last bytes; nothing is unpickled. Format:
huggingface/transformers, src/transformers/utils/hub.py (index files) and modeling_utils.py (names and their order);
pytorch/pytorch, caffe2/serialize/inline_container.cc (a zip archive, its directory last).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from environment.artifacts.heads import ENTRY_LIMIT, Damaged, read, read_json
from environment.artifacts.safetensors import Safetensors, read_safetensors
from environment.data import Value
from environment.unknown import Unknown

SAFETENSORS_INDEX, PICKLE_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"
WHOLE = "model.safetensors"  # all weights in one file, which comes before an index of pickles
SAFETENSORS = ".safetensors"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
NOT_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
NUMBERED = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<all>\d{5})(?P<suffix>\.\w+)")
ZIP, ZIP_END, ZIP_TAIL = b"PK\x03\x04", b"PK\x05\x06", 22  # the end of the directory has 22 bytes, and no comment
TEXT = (b"<", b"{")  # how a hub's error page begins


class Shard(Value, frozen=True, kw_only=True):
    """One weight file. `fault` is empty when it is whole as far as its header shows; sizes are in bytes."""

    name: str
    size: int | None
    expected_size: int | None = None
    fault: str = ""


def pickles_among(files: Iterable[str]) -> tuple[str, ...]:
    """The files that are pickled weights, by their names."""
    return tuple(name for name in files if name.endswith(PICKLES) and name not in NOT_WEIGHTS)


def read_shards(folder: Path, files: tuple[str, ...]) -> tuple[Shard, ...] | Damaged | Unknown:
    """Every weight file that the index names, or, without an index, those of the folder and of their series."""
    indices = (SAFETENSORS_INDEX,) if WHOLE in files else (SAFETENSORS_INDEX, PICKLE_INDEX)
    index = next((name for name in indices if name in files), None)
    if index is None:
        there = tuple(name for name in files if name.endswith(SAFETENSORS)) or pickles_among(files)
        return tuple(_shard(folder, name, files, "one of a series, not in the folder") for name in _series(there))
    said = read_json(folder / index)
    if isinstance(said, Unknown | Damaged):
        return said
    weights = said.get("weight_map")
    if not isinstance(weights, Mapping):
        return Damaged(f"{index} has no weight_map")
    names = sorted({str(name) for name in weights.values()})
    return tuple(_shard(folder, name, files, "named by the index, not in the folder") for name in names)


def _series(names: Iterable[str]) -> list[str]:
    """The names, and those that are missing of a series: two of `model-00001-of-00003.safetensors` lack a third."""
    found: set[str] = set(names)
    for part in [match for name in found if (match := NUMBERED.fullmatch(name))]:
        count = int(part["all"]) if int(part["all"]) <= ENTRY_LIMIT else 0
        found |= {f"{part['stem']}-{i:05d}-of-{part['all']}{part['suffix']}" for i in range(1, count + 1)}
    return sorted(found)


def _shard(folder: Path, name: str, files: tuple[str, ...], absent: str) -> Shard:
    return read_shard(folder, name) if name in files else Shard(name=name, size=None, fault=absent)


def read_shard(folder: Path, name: str) -> Shard:
    """One weight file of the folder: its header if it is safetensors, else its ends."""
    if not name.endswith(SAFETENSORS):
        head = read(folder / name, 64)
        if isinstance(head, Unknown):
            return _unread(name, head)
        return Shard(name=name, size=head.file_size, fault=_torch_fault(folder / name, head.data, head.file_size))
    header = read_safetensors(folder / name)
    if not isinstance(header, Safetensors):
        return _unread(name, header)
    sizes = f"{header.file_size} bytes, its header promises {header.expected_size}"
    return Shard(
        name=name,
        size=header.file_size,
        expected_size=header.expected_size,
        fault="" if header.complete else sizes,
    )


def _torch_fault(path: Path, start: bytes, size: int) -> str:
    """What a torch file's ends show; files from before torch 1.6 are no archives, and show nothing."""
    if not size:
        return "an empty file"
    if start.startswith(TEXT):
        return "text, such as a hub's error page, and no weights"
    if not start.startswith(ZIP):
        return ""
    tail = read(path, ZIP_TAIL, max(size - ZIP_TAIL, 0))
    whole = not isinstance(tail, Unknown) and tail.data.startswith(ZIP_END)
    return "" if whole else f"{size} bytes, and not the directory that torch writes last: it was cut short"


def _unread(name: str, answer: Damaged | Unknown) -> Shard:
    return Shard(name=name, size=None, fault=answer.reason)
