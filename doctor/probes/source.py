"""Readings of a checkout to build from. Git is only asked for commits and its index: nothing of the checkout is run."""

from __future__ import annotations

import re
import stat
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
# An entry of git's index: the file, the second it was written, its size. `git diff` would run filters of the checkout.
ENTRY = re.compile(r"([^\0]+)\0  ctime: [\d:]+\n  mtime: (\d+):\d+\n  dev: .*\n  uid: .*\n  size: (\d+)\t.*\n")


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
    index = _git(folder, "ls-files", "-z", "--debug")
    names = [name for name, second, size in ENTRY.findall(index.text) if _changed(Path(folder) / name, second, size)]
    yield "source/changed", replace(index, text=msgspec.json.encode(names).decode())
    inside = Path(folder) / SUBMODULE
    own = (inside / ".git").exists()
    absent = Reading(status="absent", reason=f"{inside} is empty: the submodule was never fetched")
    yield "source/there", _git(str(inside), "rev-parse", "HEAD") if own else absent
    pointers = [str(path.relative_to(folder)) for path in islice(_libraries(inside), MOST) if _is_pointer(path)]
    yield "source/pointers", Reading(text=msgspec.json.encode(pointers).decode())


def _git(folder: str, *words: str) -> Reading:
    return run_command("git", "-c", "core.fsmonitor=false", "-C", folder, *words)


def _changed(path: Path, second: str, size: str) -> bool:
    """Whether a file is not what git wrote, by its size and time; a submodule is a folder, and B001's affair."""
    try:
        about = path.lstat()
    except OSError:
        return True
    return not stat.S_ISDIR(about.st_mode) and (int(about.st_mtime), about.st_size) != (int(second), int(size))


def _libraries(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in LIBRARIES and not path.is_symlink())


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER
