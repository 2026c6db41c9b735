"""Finished engines: verified against what was asked, moved to their place whole, listed, and cleaned up after."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from environment import turns
from environment.artifacts.engine import Engine, read_engine
from environment.artifacts.tensorrt_plan import Plan as EnginePlan
from environment.console import say
from environment.data import Record, read_json
from environment.errors import Trouble
from environment.plan import Step
from environment.staging import flush, write_whole
from environment.workspace import Workspace
from recipes.converted import CONVERTED
from recipes.deployment import Deployment

MANIFEST = "manifest.json"
PARTIAL = ".partial"


class Asked(Record, frozen=True, kw_only=True):
    """What an engine was asked to be: everything that its identity is made of, in words one can read."""

    recipe: str
    variant: str
    identity: str
    release: str
    tensorrt: str
    compute: str
    checkpoint: tuple[str, ...]
    tensor_parallel: int
    pipeline_parallel: int
    dtype: str
    quantization: str
    kv_cache_dtype: str
    features: dict[str, str]
    max_batch_size: int
    max_input_len: int
    max_output_len: int


class Manifest(Record, frozen=True, kw_only=True):
    """The file `manifest.json` in an engine's folder; sizes in bytes.

    `compute` and `tensorrt` are what the engine's own headers say: observed, while those in `asked` are claimed.
    """

    schema: str = "engine/1"
    asked: Asked
    compute: str
    tensorrt: str
    finished: float
    files: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Remains:
    """Something in the workspace that nothing needs any more: what it is, and its size in bytes."""

    path: Path
    why: str
    size: int


def asked_of(deployment: Deployment) -> Asked:
    """What the deployment asks of its engine."""
    return Asked(
        recipe=deployment.recipe_name,
        variant=deployment.variant,
        identity=deployment.identity(),
        release=deployment.release.tag,
        tensorrt=deployment.release.versions.tensorrt,
        compute=deployment.gpus.compute,
        checkpoint=deployment.weights,
        tensor_parallel=deployment.tp,
        pipeline_parallel=deployment.pp,
        dtype=deployment.dtype,
        quantization=deployment.quantization,
        kv_cache_dtype=deployment.kv_cache_dtype,
        features=dict(deployment.features),
        max_batch_size=deployment.max_batch_size,
        max_input_len=deployment.max_input_len,
        max_output_len=deployment.max_output_len,
    )


def finish(deployment: Deployment) -> Step:
    """The step that verifies the engine beside its place, writes its manifest, and moves it there whole."""
    said = msgspec.json.encode(asked_of(deployment)).decode()
    argv = ("./inv", "engines", "--finish", deployment.engine_dir, "--asked", said)
    why = "every rank, its size, and what its header says, against what was asked"
    return Step(title="Verify and publish the engine", tool="invoke", argv=argv, output=deployment.engine_dir, why=why)


def publish(target: Path, said: str) -> Manifest:
    """Verifies `target`.partial, writes the manifest into it as its last file, and renames it to `target`.

    Raises Trouble with every problem of the engine; it then stays where it was.
    """
    partial, asked = target.with_name(target.name + PARTIAL), _read(said)
    found = checked(partial, asked)
    compute, tensorrt = _said(found)
    manifest = Manifest(asked=asked, compute=compute, tensorrt=tensorrt, finished=time.time(), files=_sizes(partial))
    flush(partial)
    write_whole(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    partial.rename(target)
    return manifest


def checked(folder: Path, asked: Asked) -> Engine:
    """The engine in the folder; raises Trouble with all that is not as it was asked for."""
    found, why = read_engine(folder), "Triton would refuse it, or serve something else"
    mend = f"rm -r {folder}   and run the same command again: it is built anew"
    if not isinstance(found, Engine):
        raise Trouble(f"this is no engine: {found.reason}", where=str(folder), why=why, mend=mend)
    if problems := verify(found, asked):
        what = "\n".join(("the engine is not the one that was asked for:", *problems))
        raise Trouble(what, where=str(folder), why=why, mend=mend)
    return found


def _read(said: str) -> Asked:
    try:
        return msgspec.json.decode(said.encode("utf-8", "surrogateescape"), type=Asked)
    except msgspec.MsgspecError as error:
        mend = "./inv build RECIPE --dry   prints this step with its words"
        raise Trouble(f"--asked is not what a plan of this project says: {error}", mend=mend) from error


def verify(engine: Engine, asked: Asked) -> tuple[str, ...]:
    """What of an engine is not as it was asked for, one line each; nothing when all of it is."""
    said = engine.limits
    pairs = (
        ("tensor parallelism", engine.mapped.tensor_parallel, asked.tensor_parallel),
        ("pipeline parallelism", engine.mapped.pipeline_parallel, asked.pipeline_parallel),
        ("max_batch_size", said.max_batch_size, asked.max_batch_size),
        ("max_input_len", said.max_input_len, asked.max_input_len),
        ("the longest request", engine.longest_sequence, asked.max_input_len + asked.max_output_len),
    )
    wrong = [f"{name} is {has}, not {wanted}" for name, has, wanted in pairs if has is not None and has != wanted]
    missing = [f"rank {number} is missing" for number in engine.missing]
    broken = [f"{rank.name} is not whole" for rank in engine.ranks if not rank.complete]
    return (
        *wrong,
        *missing,
        *(f"{name} is a rank too many" for name in engine.extra),
        *broken,
        *_headers(engine, asked),
    )


def _headers(engine: Engine, asked: Asked) -> Iterator[str]:
    """What the ranks' plan headers say against the release, and against each other."""
    plans = {rank.name: rank.head for rank in engine.ranks if isinstance(rank.head, EnginePlan)}
    for name, plan in plans.items():
        if plan.tensorrt and _dotted(plan.tensorrt) != asked.tensorrt:
            yield f"{name} was built by TensorRT {_dotted(plan.tensorrt)}, the release has {asked.tensorrt}"
        if asked.compute and plan.compute and _dotted(plan.compute) != asked.compute:
            yield f"{name} was built on a GPU of compute capability {_dotted(plan.compute)}, not {asked.compute}"
    if len({plan.compute for plan in plans.values()}) > 1:
        yield "the ranks were built on GPUs of different compute capability"


def _said(engine: Engine) -> tuple[str, str]:
    """The compute capability and the TensorRT that the ranks' headers say; `unknown` for what none of them does."""
    plans = [rank.head for rank in engine.ranks if isinstance(rank.head, EnginePlan)]
    computes = [_dotted(plan.compute) for plan in plans if plan.compute]
    versions = [_dotted(plan.tensorrt) for plan in plans if plan.tensorrt]
    return (*computes, "unknown")[0], (*versions, "unknown")[0]


def _dotted(numbers: Iterable[int]) -> str:
    return ".".join(map(str, numbers))


def _sizes(folder: Path) -> dict[str, int]:
    if folder.is_symlink():
        return {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """While inside, no other process builds the same engine: a second one waits, and then finds it finished."""
    with turns.alone(_lock(target), f"building {target.name}"):
        yield


def _lock(target: Path) -> Path:
    """The file with which those who build an engine take turns."""
    return target.with_name(f".{target.name}.lock")


def finished(space: Workspace) -> dict[str, Manifest]:
    """The finished engines by name; one whose manifest cannot be read is warned of, and hides none of the others."""
    found: dict[str, Manifest] = {}
    for path in _manifests(space):
        try:
            found[path.parent.name] = read_json(path, Manifest)
        except Trouble as trouble:
            say(f"warning: {trouble.what}\n  where  {path}\n  mend   rm -r {path.parent}   and build it again")
    return found


def _manifests(space: Workspace) -> list[Path]:
    return sorted(path for path in space.engines.glob(f"*/{MANIFEST}") if path.parent.suffix != PARTIAL)


def remains(space: Workspace) -> tuple[Remains, ...]:
    """Unfinished work that nobody is at, and intermediate checkpoints whose engine is finished."""
    left = [
        *_halves(space, space.engines, "", "an unfinished build"),
        *_halves(space, space.checkpoints, CONVERTED, "an unfinished conversion"),
    ]
    whole = [path.parent.name for path in _manifests(space)]
    between = [space.checkpoints / f"{name}{made}" for name in whole for made in (CONVERTED, "-onnx")]
    left += [(path, "intermediate; its engine is finished") for path in between if path.is_dir()]
    return tuple(Remains(path=path, why=why, size=sum(_sizes(path).values())) for path, why in left)


def _halves(space: Workspace, folder: Path, made: str, why: str) -> Iterator[tuple[Path, str]]:
    """What lies half-made in the folder, for engines that no process builds now."""
    for path in sorted(folder.glob(f"*{made}{PARTIAL}")):
        if turns.idle(_lock(space.engines / path.name.removesuffix(f"{made}{PARTIAL}"))):
            yield path, why


def remove(left: tuple[Remains, ...]) -> None:
    """Removes what `remains` found; of a link to another place, the link."""
    for each in left:
        if each.path.is_symlink() or not each.path.is_dir():
            each.path.unlink(missing_ok=True)
        else:
            shutil.rmtree(each.path)
