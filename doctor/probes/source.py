"""Readings of a checkout to build from. Git is only asked for names of commits: nothing of the checkout is run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading
from doctor.probes.sources import run_command
from doctor.probes.taking import Probe, Taken
from environment.errors import Usage

SUBMODULE = "tensorrt_llm"
POINTER = b"version https://git-lfs.github.com/spec/"
LIBRARIES = {".a", ".lib", ".so"}
MOST = 200_000  # files looked at
GIVES = ("source/head", "source/pinned", "source/there", "source/changed", "source/pointers")
# Which files have another size or time than git gave them: none is opened, so that no filter of the checkout is run.
CHANGED = ("-c", "core.checkStat=minimal", "-c", "core.trustctime=false", "diff-files", "--name-only", "-z")


def probes(folder: str) -> tuple[Probe, ...]:
    """The commits of a checkout, the git-lfs pointers that stand where libraries should be, and git-lfs itself.

    Raises Usage for what is no folder.
    """
    if not Path(folder).is_dir():
        mend = "git clone --recursive https://github.com/triton-inference-server/tensorrtllm_backend   makes one"
        raise Usage(f"--source {folder} is no folder", where=str(Path.cwd()), mend=mend)
    return (
        Probe(gives=GIVES, read=partial(_read, folder)),
        Probe(gives=("tool/git-lfs",), read=_git_lfs),
    )


def _git_lfs() -> Taken:
    yield "tool/git-lfs", run_command("git-lfs", "version")


def _read(folder: str) -> Taken:
    yield "source/head", _git(folder, "rev-parse", "HEAD")
    yield "source/pinned", _git(folder, "rev-parse", f"HEAD:{SUBMODULE}")
    changed = _git(folder, *CHANGED, "--ignore-submodules=all")
    names = [name for name in changed.text.split("\0") if name]
    yield "source/changed", replace(changed, text=msgspec.json.encode(names).decode())
    inside = Path(folder) / SUBMODULE
    own = (inside / ".git").exists()
    absent = Reading(status="absent", reason=f"{inside} is empty: the submodule was never fetched")
    yield "source/there", _git(str(inside), "rev-parse", "HEAD") if own else absent
    pointers = [str(path.relative_to(folder)) for path in islice(_libraries(inside), MOST) if _is_pointer(path)]
    yield "source/pointers", Reading(text=msgspec.json.encode(pointers).decode())


def _git(folder: str, *words: str) -> Reading:
    return run_command("git", "-c", "core.fsmonitor=false", "-C", folder, *words)


def _libraries(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in LIBRARIES and not path.is_symlink())


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER
