"""Readings of the folders that were named: an engine, a checkpoint, a model repository. Headers only, but for `deep`.

A reading holds what was understood of the folder, not its files: gigabytes would fit into no bundle. Each folder has a
process of its own: a dead network disk, or a file that breaks a parser, takes only that folder along.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from doctor.asked import Named
from doctor.facts.readings import Reading
from doctor.probes.taking import Probe, Taken
from doctor.template_code import TemplateCode, parse
from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from environment.artifacts.digests import read_digests
from environment.artifacts.engine import Engine, Rank, read_engine
from environment.artifacts.heads import Damaged, names_in, writable_by_all
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, read_model_repository
from environment.artifacts.safetensors import Safetensors
from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.errors import Usage
from environment.unknown import Unknown, then

ENGINES, TOKENIZERS = ("engine_dir", "gpt_model_path"), ("tokenizer_dir",)  # parameters of the templates that are paths
WORST = ("never", "when-missing", "always")  # of what a template's code does with a tokenizer, the worst last
DEADLINE = 15.0  # headers of a hundred files on a slow network disk
DAY = 86400.0  # what takes as long as it takes
READS: Mapping[str, tuple[tuple[str, ...], Callable[[Path], Taken]]]


def probes(named: Named) -> tuple[Probe, ...]:
    """A probe for each folder that was named; raises Usage for one that is no folder."""
    for option in ("engine", "model", "repository"):
        folder = getattr(named, option)
        if folder and not Path(folder).is_dir():
            mend = f"give the folder itself: ./inv inspect {shlex.quote(folder)}   says what it is"
            raise Usage(f"--{option} {folder} is no folder", where=str(Path.cwd()), mend=mend)
    return tuple(
        Probe(gives=gives, read=partial(read, Path(getattr(named, option))), deadline=DEADLINE, alone=True)
        for option, (gives, read) in READS.items()
        if getattr(named, option)
    )


def deep_probes(named: Named) -> tuple[Probe, ...]:
    """What takes as long as it takes: every byte of the checkpoint."""
    if not (named.deep and named.model):
        return ()
    read = partial(_digests, Path(named.model))
    return (Probe(gives=("named/digests",), read=read, deadline=DAY, alone=True),)


def _engine(folder: Path) -> Taken:
    yield "named/engine", _json(then(read_engine(folder), _without_tensors))
    yield "named/writable", _json(then(names_in(folder), lambda names: writable_by_all(folder, names)))


def _model(folder: Path) -> Taken:
    yield "named/checkpoint", _json(then(read_checkpoint(folder), _without_config))
    yield "named/tokenizer", _json(then(read_tokenizer(folder), _without_template))


def _repository(folder: Path) -> Taken:
    found = read_model_repository(folder)
    whole = found if isinstance(found, ModelRepository) else ModelRepository(models=(), others=())
    if isinstance(found, Unknown) and not isinstance(names_in(folder), Unknown):
        yield "named/repository", _json(Damaged(found.reason))  # it could be looked at, and is none
    else:
        yield "named/repository", _json(then(found, _without_code))
    yield "named/paths", _json(paths_of(whole))
    yield "named/template", _json(template_of(whole))
    yield "named/open-repository", _json(writable_by_all(folder, tuple(served(folder, whole))))


def _digests(folder: Path) -> Taken:
    yield "named/digests", _json(read_digests(folder))


READS = {
    "engine": (("named/engine", "named/writable"), _engine),
    "model": (("named/checkpoint", "named/tokenizer"), _model),
    "repository": (("named/repository", "named/paths", "named/template", "named/open-repository"), _repository),
}


def paths_of(repository: ModelRepository) -> Mapping[str, bool]:
    """The paths that the configs name, and whether this host has them: whole ones, an engine's a folder."""
    engines, tokenizers = _parameters(repository, ENGINES), _parameters(repository, TOKENIZERS)
    there = {**dict.fromkeys(tokenizers, os.path.exists), **dict.fromkeys(engines, os.path.isdir)}
    return {path: Path(path).is_absolute() and there[path](path) for path in sorted(there)}


def _parameters(repository: ModelRepository, names: tuple[str, ...]) -> set[str]:
    configs = [model.config for model in repository.models if isinstance(model.config, Config)]
    said = {config.parameter(name) for config in configs for name in names}
    return {path for path in said if path and "${" not in path and "\0" not in path}


def template_of(repository: ModelRepository) -> TemplateCode | None:
    """What the Python models of the repository do with a tokenizer, the worst of them; None without any."""
    shown = [model for model in repository.models if "tokenizer" in model.code]
    codes = [parse(model.code, f"{model.folder}/{model.versions[-1]}/model.py") for model in shown]
    worst = max(codes, key=lambda code: WORST.index(code.assigns), default=None)
    return replace(worst, trusts_remote_code=all(code.trusts_remote_code for code in codes)) if worst else None


def served(folder: Path, repository: ModelRepository) -> Iterator[str]:
    """The files and folders of the repository that Triton takes up, as paths within it."""
    for model in repository.models:
        newest = [f"{model.folder}/{number}" for number in model.versions[-1:]]
        inside = [f"{place}/{name}" for place in newest for name in model.version_files]
        places = (model.folder, f"{model.folder}/config.pbtxt", *newest, *inside)
        yield from (place for place in places if (folder / place).exists())


def _without_tensors(found: object) -> object:
    """The engine without the tables of tensors that the ranks of a TensorRT-LLM checkpoint have."""
    if not isinstance(found, Engine):
        return found
    return replace(found, ranks=tuple(_bare(rank) for rank in found.ranks))


def _bare(rank: Rank) -> Rank:
    head = rank.head
    return replace(rank, head=replace(head, tensors={}, metadata={})) if isinstance(head, Safetensors) else rank


def _without_config(found: object) -> object:
    return replace(found, model=replace(found.model, config={})) if isinstance(found, Checkpoint) else found


def _without_template(found: object) -> object:
    return replace(found, chat_template="") if isinstance(found, Tokenizer) else found


def _without_code(found: object) -> object:
    if not isinstance(found, ModelRepository):
        return found
    return replace(found, models=tuple(replace(model, code="") for model in found.models))


def _json(value: object) -> Reading:
    return Reading(text=msgspec.json.encode(value).decode())
