"""What the checks of the families C, E and R share: the named artifact, whole enough to be judged."""

from __future__ import annotations

from typing import TypeVar

from doctor.outcome import NotAsked, NotKnown, given, known
from doctor.subject import Subject
from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.engine import Engine
from environment.artifacts.heads import Damaged
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository
from environment.artifacts.tokenizer import Tokenizer
from environment.unknown import Unknown

T = TypeVar("T")


def named(found: T | Unknown | None, otherwise: str) -> T:
    """What was named; NotAsked when nothing was, NotKnown when it could not be read."""
    if found is None:
        raise NotAsked(otherwise)
    if isinstance(found, Unknown):
        raise NotKnown(found.reason)
    return found


def sound(found: T | Damaged | Unknown | None, otherwise: str) -> T:
    """The artifact; NotAsked when none was named, NotKnown when it cannot be read or is broken (C001, E001 say so)."""
    if isinstance(found, Damaged):
        raise NotKnown(found.reason)
    return named(found, otherwise)


def checkpoint_of(subject: Subject) -> Checkpoint:
    """The checkpoint that was named."""
    return sound(subject.artifacts.checkpoint, "no-model")


def tokenizer_of(subject: Subject) -> Tokenizer:
    """The tokenizer of the checkpoint that was named."""
    return sound(subject.artifacts.tokenizer, "no-model")


def engine_of(subject: Subject) -> Engine:
    """The engine that was named."""
    return sound(subject.artifacts.engine, "no-engine")


def repository_of(subject: Subject) -> ModelRepository:
    """The model repository that was named."""
    return sound(subject.artifacts.repository, "no-repository")


def configs_of(subject: Subject) -> dict[str, Config]:
    """The configs that parse as they stand, by the folder of their model (R003 and R011 are about the others)."""
    models = (model for model in repository_of(subject).models if not model.unparsable)
    return {model.folder: model.config for model in models if isinstance(model.config, Config)}


def trtllm_config(subject: Subject) -> Config:
    """The config of the model that runs the engine; NotAsked where there is none, or R003 or R011 say it is broken."""
    models = {model.folder: model for model in repository_of(subject).models}
    model = given(models.get("tensorrt_llm"), "no-trtllm-model")
    if model.unparsable or isinstance(model.config, Damaged):
        raise NotAsked("no-trtllm-config")
    return known(model.config)


def number(text: str) -> int | None:
    """A parameter's value as a number; None for what is none (unset, `${...}`)."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None
