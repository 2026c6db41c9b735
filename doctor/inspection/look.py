"""Looks at a path: `environment.artifacts` reads it, the other modules here judge what was read, for one target."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import singledispatch
from pathlib import Path

from doctor.inspection.answer import Inspection
from doctor.inspection.folders import of_checkpoint, of_repository, of_safetensors, of_tokenizer
from doctor.inspection.plans import of_engine, of_plan
from doctor.verdict import Target, Verdict, predict
from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.engine import Engine
from environment.artifacts.heads import Damaged
from environment.artifacts.kinds import Artifact, read_artifact
from environment.artifacts.model_repository import ModelRepository
from environment.artifacts.safetensors import Safetensors
from environment.artifacts.tensorrt_plan import Plan
from environment.artifacts.tokenizer import Tokenizer
from environment.errors import Usage
from environment.unknown import Unknown


def inspect(path: Path, target: Target) -> Inspection:
    """The answer for one path."""
    return judged(os.fsencode(path).decode("utf-8", "replace"), read_artifact(path), target)


def existing(words: Iterable[str]) -> tuple[Path, ...]:
    """The paths the words name; raises Usage when there are none, or one of them names nothing."""
    paths = tuple(map(Path, words))
    if not paths:
        raise Usage("no file or folder was named", mend="invoke inspect PATH...")
    if gone := next((path for path in paths if not os.path.lexists(path)), None):
        raise Usage(f"{gone} does not exist", where=str(Path.cwd()), mend="invoke inspect PATH...")
    return paths


def judged(path: str, artifact: Artifact, target: Target) -> Inspection:
    """The answer for what was read at `path`. Pure."""
    return _judge(artifact.found, path, artifact, target)


@singledispatch
def _judge(found: object, path: str, artifact: Artifact, target: Target) -> Inspection:
    raise TypeError(f"{path}: nothing is said of a {type(found).__name__} ({artifact.kind}, for {target})")


_judge.register(Plan, of_plan)
_judge.register(Engine, of_engine)
_judge.register(Checkpoint, of_checkpoint)
_judge.register(Tokenizer, of_tokenizer)
_judge.register(ModelRepository, of_repository)
_judge.register(Safetensors, of_safetensors)


@_judge.register
def _damaged(found: Damaged, path: str, artifact: Artifact, target: Target) -> Inspection:
    """Something whose own bytes show that it is broken."""
    verdict = predict(Unknown(found.reason), artifact.size, target) if artifact.size is not None else None
    facts = {} if artifact.size is None else {"bytes": artifact.size}
    return Inspection(
        path=path, kind=artifact.kind, complete=False, verdict=verdict, facts=facts, faults=(found.reason,)
    )


@_judge.register
def _unknown(found: Unknown, path: str, artifact: Artifact, target: Target) -> Inspection:
    """Nothing known here: TensorRT refuses such a file; a folder, or a file nobody could read, is left open."""
    if artifact.size is None:
        verdict = Verdict(state="unknown", message="", why=found.reason)
        return Inspection(path=path, kind=artifact.kind, complete=None, verdict=verdict)
    verdict = predict(found, artifact.size, target)
    return Inspection(path=path, kind=artifact.kind, complete=None, verdict=verdict, facts={"bytes": artifact.size})
