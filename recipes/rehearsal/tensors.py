"""The tensors of a release's `inflight_batcher_llm` models, as data: one file per set of releases that share them."""

from __future__ import annotations

from pathlib import Path

from packaging.version import Version

from environment.data import Record, read_toml
from environment.errors import Usage

FOLDER = Path(__file__).parent / "tensors"


class Tensor(Record, frozen=True, kw_only=True):
    """One input or output of a model: Triton's name of its type, its shape without the batch dimension."""

    type: str
    dims: tuple[int, ...]
    reshape: tuple[int, ...] | None = None
    optional: bool = False
    ragged: bool = False


class Model(Record, frozen=True, kw_only=True):
    """A model's inputs and outputs by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class Step(Record, frozen=True, kw_only=True):
    """One step of the ensemble: the model's tensor name -> the ensemble's."""

    model: str
    inputs: dict[str, str]
    outputs: dict[str, str]


class Tensors(Record, frozen=True, kw_only=True):
    """The four models and how the ensemble joins them."""

    source: str
    releases: tuple[str, ...]
    models: dict[str, Model]
    steps: tuple[Step, ...]


def for_release(tag: str, folder: Path = FOLDER) -> Tensors:
    """The tensors of the release; raises Usage for one that cannot be rehearsed."""
    known = {release: path for path in sorted(folder.glob("*.toml")) for release in read_toml(path, Tensors).releases}
    if tag not in known:
        raise Usage(
            f"{tag} cannot be rehearsed: its models' tensors are not described here",
            why=f"described: {', '.join(sorted(known, key=Version))}",
            mend="choose one of them: --tag TAG; or serve a checkout of its own templates: --templates DIR",
        )
    return read_toml(known[tag], Tensors)
