"""What a rehearsal needs on disk before Triton starts: the converted checkpoint, the model repository, the backends.

Each is made once, under a name that is a digest of what it is made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.staging import staged_folder, write_whole
from environment.workspace import Workspace
from recipes.front import Front
from recipes.rehearsal import binary, checkout, repository
from recipes.rehearsal.architecture import describe
from recipes.rehearsal.checkout import Repository
from recipes.rehearsal.checkpoint import checked
from recipes.rehearsal.conversion import convert
from recipes.rehearsal.manifest import MANIFEST, Manifest
from recipes.rehearsal.tensors import for_release


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is to be served: a checkpoint in the shape of a release, by our models or a checkout's."""

    checkpoint: Path
    release: str
    templates: Path | None
    max_batch_size: int
    allow_remote_code: bool = False


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The folders Triton is started with, and how the model repository is asked."""

    repository: Path
    backends: Path
    front: Front


def prepare(material: Material, workspace: Workspace) -> Prepared:
    """Everything on disk; what is there already is kept. Raises Trouble for a checkpoint that cannot be rehearsed."""
    engine = prepare_engine(material.checkpoint, workspace, allow_remote_code=material.allow_remote_code)
    made = describe_repository(material, engine)
    return Prepared(
        repository=write_repository(made.files, workspace.repositories),
        backends=binary.backends(workspace.engines),
        front=made.front,
    )


def prepare_engine(folder: Path, workspace: Workspace, *, allow_remote_code: bool = False) -> Path:
    """The folder that stands where a TensorRT engine would: a manifest that names the converted checkpoint."""
    checkpoint = checked(folder, allow_remote_code=allow_remote_code)
    decoder = describe(checkpoint.model, str(folder))
    model = convert(folder, checkpoint, workspace.checkpoints)
    manifest = Manifest(
        checkpoint=str(folder),
        model=str(model),
        vocabulary=checkpoint.model.vocabulary or 0,
        positions=decoder.positions,
        threads=1 if decoder.small else 0,
    )
    write_whole(workspace.engines / model.name / MANIFEST, msgspec.json.encode(manifest))
    return workspace.engines / model.name


def describe_repository(material: Material, engine: Path) -> Repository:
    """The model repository, from the checkout's templates or of our own models."""
    tokenizer = read_tokenizer(material.checkpoint)
    chat = isinstance(tokenizer, Tokenizer) and bool(tokenizer.chat_template)
    layout = repository.Layout(
        tokenizer=material.checkpoint,
        engine=engine,
        max_batch_size=material.max_batch_size,
        add_special_tokens=not chat,  # a chat template writes them itself
    )
    if material.templates is not None:
        return checkout.repository(material.templates, material.release, layout)
    return Repository(files=repository.files(for_release(material.release), layout), front=Front())


def write_repository(files: Mapping[str, str], into: Path) -> Path:
    """Writes a repository under a name that is the digest of all its text, unless it is there, file by file."""
    digest = hashlib.sha256(msgspec.json.encode(sorted(files.items()))).hexdigest()[:16]
    made = into / f"rehearsal-{digest}"
    if not holds(made, files):
        with staged_folder(made) as stage:
            for name, text in files.items():
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / name).write_text(text, encoding="utf-8")
    return made


def holds(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether the folder has every one of these files, with this text."""
    try:
        return all((folder / name).read_text(encoding="utf-8") == text for name, text in files.items())
    except (OSError, UnicodeDecodeError):
        return False
