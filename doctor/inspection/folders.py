"""What is said of checkpoints, tokenizers, model repositories and single weight files. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.inspection.answer import Inspection
from doctor.verdict import Target
from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.heads import Damaged
from environment.artifacts.kinds import Artifact
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, RepositoryModel
from environment.artifacts.safetensors import Safetensors
from environment.artifacts.tokenizer import Tokenizer
from environment.unknown import Unknown


def of_checkpoint(checkpoint: Checkpoint, path: str, artifact: Artifact, _: Target) -> Inspection:
    """A Hugging Face checkpoint: every shard whole, no pointer, and what it would execute."""
    model = checkpoint.model
    faults = [f"{shard.name}: {shard.fault}" for shard in checkpoint.shards if shard.fault]
    faults += [f"{name} is a git-lfs pointer: git lfs pull" for name in checkpoint.pointers if name not in str(faults)]
    notes = [f"{name} is an unfinished download" for name in checkpoint.incomplete]
    if checkpoint.pickles and not checkpoint.safe:
        notes.append("its weights are pickles, which run code when they are loaded")
    if checkpoint.remote_code:
        notes.append(f"it brings code of its own (trust_remote_code): {', '.join(checkpoint.remote_code)}")
    notes += [f"{name} is named, its file is not here" for name in checkpoint.missing_code if "--" not in name]
    if not checkpoint.shards and not checkpoint.pickles:
        faults.append("it holds no weights")
    facts = {
        "architectures": model.architectures,
        "model_type": model.model_type,
        "dtype": model.dtype,
        "quantization": model.quantization or None,
        "layers": model.layers,
        "heads": model.heads,
        "kv_heads": model.kv_heads,
        "max_positions": model.max_positions,
        "vocabulary": model.vocabulary,
        "revision": checkpoint.revision or None,
        "shards": [{"name": shard.name, "bytes": shard.size, "fault": shard.fault} for shard in checkpoint.shards],
    }
    return Inspection(
        path=path,
        kind=artifact.kind,
        complete=checkpoint.complete,
        facts=facts,
        faults=tuple(faults),
        notes=tuple(notes),
    )


def of_tokenizer(tokenizer: Tokenizer, path: str, artifact: Artifact, _: Target) -> Inspection:
    """A tokenizer: its class, and whether the code it names is there."""
    faults = [f"{name} is named, its file is not here" for name in tokenizer.missing_code if "--" not in name]
    facts = {
        "tokenizer_class": tokenizer.tokenizer_class,
        "special_tokens": dict(tokenizer.special_tokens),
        "chat_template": bool(tokenizer.chat_template),
        "vocabularies": tokenizer.vocabularies,
        "remote_code": tokenizer.remote_code,
    }
    return Inspection(path=path, kind=artifact.kind, complete=not faults, facts=facts, faults=tuple(faults))


def of_repository(repository: ModelRepository, path: str, artifact: Artifact, _: Target) -> Inspection:
    """A model repository: every model with a version, a config.pbtxt that parses, and all that it needs filled in."""
    faults = [f"{model.folder}: {fault}" for model in repository.models for fault in model_faults(model)]
    faults += [f"{name}: it has versions, but no config.pbtxt" for name in repository.bare]
    faults += [f"{folder}: its step {step} is no model of this repository" for folder, step in repository.lost]
    unfilled = {model.folder: [name for name, _ in model.unfilled] for model in repository.models if model.unfilled}
    facts = {
        "models": [
            {
                "name": model.folder,
                "versions": model.versions,
                "backend": model.config.backend or model.config.platform if isinstance(model.config, Config) else None,
                "unfilled": unfilled.get(model.folder, []),
            }
            for model in repository.models
        ]
    }
    notes = tuple(f"{name} is no model: it has no config.pbtxt" for name in repository.others)
    return Inspection(
        path=path, kind=artifact.kind, complete=not faults, facts=facts, faults=tuple(faults), notes=notes
    )


def model_faults(model: RepositoryModel) -> Iterable[str]:
    """What keeps Triton from loading a model of a repository."""
    if not model.versions:
        yield "no version folder (a number)"
    if model.uncoded:
        yield f"no model.py in version {model.versions[-1]}"
    if isinstance(model.config, Unknown | Damaged):
        yield model.config.reason
    elif model.config.name not in ("", model.folder):
        yield f"its config.pbtxt says name: {model.config.name!r}"
    yield from (f"${{{name}}} was never filled ({line})" for name, line in model.needed)


def of_safetensors(found: Safetensors, path: str, artifact: Artifact, _: Target) -> Inspection:
    """One safetensors file."""
    sizes = f"the file has {found.file_size} bytes, its header promises {found.expected_size}"
    facts = {"bytes": found.file_size, "expected_bytes": found.expected_size, "tensors": len(found.tensors)}
    return Inspection(
        path=path, kind=artifact.kind, complete=found.complete, facts=facts, faults=() if found.complete else (sizes,)
    )
