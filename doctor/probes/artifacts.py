"""Reads the folders that were named: an engine, a checkpoint, a model repository. Headers only, but for `deep`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.asked import Named
from doctor.facts.artifacts import NOT_READ, Artifacts
from doctor.template_code import TemplateCode, parse, released
from environment.artifacts.checkpoint import read_checkpoint
from environment.artifacts.digests import read_digests
from environment.artifacts.engine import read_engine
from environment.artifacts.heads import names_in, writable_by_all
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, read_model_repository
from environment.artifacts.tokenizer import read_tokenizer
from environment.errors import Trouble, Usage
from environment.releases import Release
from environment.unknown import Unknown, then

if TYPE_CHECKING:
    from environment.contracts import Placeholder

PATHS = ("engine_dir", "gpt_model_path", "tokenizer_dir")  # parameters of the templates that are paths


def read(release: Release, named: Named) -> Artifacts:
    """What the named folders hold; a checkpoint is also read as a tokenizer. Raises Usage for what is no folder."""
    for option in ("engine", "model", "repository"):
        folder = getattr(named, option)
        if folder and not Path(folder).is_dir():
            raise Usage(f"--{option} {folder} is no folder", where=str(Path.cwd()))
    engine, model, repository = named.engine, named.model, named.repository
    models = read_model_repository(Path(repository)) if repository else None
    return Artifacts(
        engine=read_engine(Path(engine)) if engine else None,
        writable=then(names_in(Path(engine)), lambda names: writable_by_all(Path(engine), names))
        if engine
        else NOT_READ,
        checkpoint=read_checkpoint(Path(model)) if model else None,
        tokenizer=read_tokenizer(Path(model)) if model else None,
        digests=read_digests(Path(model)) if model and named.deep else None,
        repository=models,
        paths=paths_of(models) if isinstance(models, ModelRepository) else {},
        template=template_of(models, release.tag),
        placeholders=_placeholders(release.tag) if repository else NOT_READ,
    )


def paths_of(repository: ModelRepository) -> Mapping[str, bool]:
    """The paths that the configs name, and whether this host has them."""
    configs = [model.config for model in repository.models if isinstance(model.config, Config)]
    named = {config.parameter(name) for config in configs for name in PATHS}
    return {path: os.path.lexists(path) for path in sorted(named) if path and "${" not in path and "\0" not in path}


def template_of(repository: ModelRepository | Unknown | None, tag: str) -> TemplateCode | Unknown:
    """What the Python models do with a tokenizer: as their text in the repository shows, else as the release's do."""
    models = repository.models if isinstance(repository, ModelRepository) else ()
    shown = next((model for model in models if "tokenizer" in model.code), None)
    return parse(shown.code, f"{shown.folder}/{shown.versions[-1]}/model.py") if shown else released(tag)


def _placeholders(tag: str) -> Mapping[str, tuple[Placeholder, ...]] | Unknown:
    from environment.contracts import placeholders

    try:
        return placeholders(tag)
    except Trouble as trouble:
        return Unknown(str(trouble.what))
