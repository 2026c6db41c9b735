"""Which GPUs do what: an engine is built on those that serve it; others may convert and calibrate its checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from environment.errors import Trouble, Undetermined, Usage
from environment.unknown import Unknown

COMPUTE = re.compile(r"\d{1,2}\.\d")


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """Indices of this host's GPUs. `compute` is the compute capability of the serving ones, empty while unknown.

    An engine is built where it is served, since it is made for that kind of GPU; weights are converted anywhere.
    """

    serving: tuple[int, ...]
    converting: tuple[int, ...]
    compute: str = ""

    @property
    def chosen(self) -> bool:
        """Whether they are others than the first ones, which nobody has to name."""
        return self.serving != tuple(range(len(self.serving)))

    @property
    def listed(self) -> str:
        """The serving ones as `--gpus` takes them: 0,2."""
        return ",".join(map(str, self.serving))

    @property
    def sm(self) -> int | None:
        """The compute capability times ten, as tables have it."""
        return int(self.compute.replace(".", "")) if self.compute else None


def chosen(ranks: int, serving: str = "", converting: str = "", compute: str = "") -> Gpus:
    """The GPUs that the words name, such as 0,2: one a rank to serve, any number to convert; the first ones by default.

    Raises Usage for what is no list of GPUs, names one twice, or is not one GPU a rank.
    """
    served = _listed("--gpus", serving) or tuple(range(max(ranks, 1)))
    if serving and len(served) != ranks:
        mend = f"such as --gpus {','.join(str(gpu) for gpu in range(ranks))}"
        raise Usage(f"--gpus names {len(served)} GPU(s), --tp x --pp needs {ranks}", mend=mend)
    if compute and not COMPUTE.fullmatch(compute):
        raise Usage(f"--compute {compute} is no compute capability", mend="such as --compute 9.0")
    return Gpus(serving=served, converting=_listed("--convert-gpus", converting) or served, compute=compute)


def _listed(option: str, words: str) -> tuple[int, ...]:
    if not words:
        return ()
    if not re.fullmatch(r"\d{1,3}(,\d{1,3})*", words):
        raise Usage(f"{option} {words} is no list of GPUs", mend=f"such as {option} 0,2")
    named = tuple(int(word) for word in words.split(","))
    if len(set(named)) != len(named):
        mend = f"such as {option} {','.join(map(str, range(len(named))))}"
        raise Usage(f"{option} {words} names a GPU twice", why="each rank needs one of its own", mend=mend)
    return named


def devices(gpus: Sequence[int]) -> str:
    """The value of `docker run --gpus`, which Docker reads as CSV: the quotes keep the list one field."""
    listed = ",".join(str(gpu) for gpu in gpus)
    return f'"device={listed}"'


def compute_of(here: tuple[str, ...] | Unknown, gpus: Sequence[int]) -> str:
    """The compute capability that these of this host's GPUs share; empty when none of them can be asked.

    Raises Trouble when they differ: an engine is made for one.
    """
    if isinstance(here, Unknown):
        return ""
    kinds = {gpu: here[gpu] for gpu in gpus if gpu < len(here)}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"GPU {gpu} has {kind}" for gpu, kind in kinds.items())
        why = "an engine is made for GPUs of one compute capability"
        raise Trouble(f"the GPUs are of different kinds: {told}", why=why, mend="choose alike ones: --gpus 0,1")
    return next(iter(kinds.values()), "")


def shared(gpus: Gpus, servers: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each server whose GPUs are about to work for this, too. `servers`: name -> its GPUs, such as 0,1."""
    wanted = {str(gpu) for gpu in (*gpus.serving, *gpus.converting)}
    both = {name: sorted(wanted & set(listed.split(","))) for name, listed in servers.items()}
    return tuple(
        f"GPU {', '.join(found)} serves {name!r} now and has little memory left: --gpus and --convert-gpus name "
        f"others, ./inv stop --name {name} frees it"
        for name, found in both.items()
        if found
    )


def require_compute(gpus: Gpus) -> None:
    """Raises Undetermined while the compute capability is unknown: two kinds of GPU must not share an engine."""
    if not gpus.compute:
        raise Undetermined(
            "the compute capability of this host's GPUs is not known: nvidia-smi does not say it",
            why="an engine is made for one, and its name tells which",
            mend="say it: --compute 9.0   (nvidia-smi --query-gpu=compute_cap --format=csv)",
        )
