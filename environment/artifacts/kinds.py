"""Says what a file or folder is, by what it holds and never by its name alone, and reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from environment.artifacts.engine import Engine, engine_kind, read_engine
from environment.artifacts.heads import Damaged, Json, is_lfs_pointer, names_in, read, read_json
from environment.artifacts.model_repository import CONFIG, ModelRepository, read_model, read_model_repository
from environment.artifacts.plan_container import ARCHIVE, CONTAINER
from environment.artifacts.safetensors import Safetensors, read_safetensors
from environment.artifacts.tensorrt_plan import Plan, read_plan, ultralytics_prefix
from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.data import Value
from environment.unknown import Unknown

Kind = Literal[
    "tensorrt-plan",
    "ultralytics-engine",
    "tensorrt-llm-engine",
    "tensorrt-llm-checkpoint",
    "huggingface-checkpoint",
    "tokenizer",
    "model-repository",
    "safetensors",
    "git-lfs-pointer",
    "unknown",
]
Found = Plan | Engine | Checkpoint | Tokenizer | ModelRepository | Safetensors | Damaged | Unknown


class Artifact(Value, frozen=True, kw_only=True):
    """What lies at a path. `prefix` is what comes before an Ultralytics export's plan; sizes in bytes."""

    kind: Kind
    found: Found
    size: int | None = None
    prefix: int = 0


def kind_of(path: Path) -> Kind:
    """What lies at `path`."""
    return read_artifact(path).kind


def read_artifact(path: Path) -> Artifact:
    """What lies at `path`, read by its headers."""
    return _folder(path) if path.is_dir() else _file(path)


def _file(path: Path) -> Artifact:
    head = read(path, 64)
    if isinstance(head, Unknown):
        return Artifact(kind="unknown", found=head)
    size = head.file_size
    if head.data.startswith((CONTAINER, ARCHIVE)):
        return Artifact(kind="tensorrt-plan", found=read_plan(path), size=size)
    if is_lfs_pointer(head):
        found = Damaged("a git-lfs pointer, not the file itself: git lfs pull")
        return Artifact(kind="git-lfs-pointer", found=found, size=size)
    if head.data[8:9] == b"{" and path.suffix == ".safetensors":
        return Artifact(kind="safetensors", found=read_safetensors(path), size=size)
    return _prefixed(path, size)


def _prefixed(path: Path, size: int) -> Artifact:
    prefix = ultralytics_prefix(path)
    plan = read_plan(path, prefix[0]) if prefix else Unknown("it begins like nothing known here")
    if prefix and isinstance(plan, Plan):
        return Artifact(kind="ultralytics-engine", found=plan, size=size, prefix=prefix[0])
    return Artifact(kind="unknown", found=Unknown("it begins like nothing known here"), size=size)


def _folder(path: Path) -> Artifact:
    names = names_in(path)
    if isinstance(names, Unknown):
        return Artifact(kind="unknown", found=names)
    if "config.json" in names:
        return _configured(path)
    if CONFIG in names:
        return Artifact(kind="model-repository", found=ModelRepository(models=(read_model(path),), others=()))
    for kind, found in (("tokenizer", read_tokenizer(path)), ("model-repository", read_model_repository(path))):
        if not isinstance(found, Unknown):
            return Artifact(kind="tokenizer" if kind == "tokenizer" else "model-repository", found=found)
    return Artifact(kind="unknown", found=Unknown("a folder of nothing known here"))


def _configured(path: Path) -> Artifact:
    """A folder with a config.json, which tells whose it is."""
    config = read_json(path / "config.json")
    if isinstance(config, Damaged | Unknown):
        return Artifact(kind="unknown", found=config)
    kind = engine_kind(config)
    if kind:
        return Artifact(
            kind="tensorrt-llm-engine" if kind == "engine" else "tensorrt-llm-checkpoint", found=read_engine(path)
        )
    if _is_transformers(config):
        return Artifact(kind="huggingface-checkpoint", found=read_checkpoint(path))
    return Artifact(kind="unknown", found=Unknown("its config.json is that of nothing known here"))


def _is_transformers(config: Json) -> bool:
    return any(name in config for name in ("architectures", "model_type", "transformers_version", "auto_map"))
