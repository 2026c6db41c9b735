"""Does the steps of an image's plan that have to be looked at: a build, an exact commit, files of git-lfs."""

from __future__ import annotations

from pathlib import Path

from environment import execution
from environment.container import connect
from environment.docker_errors import DockerTrouble, named, recognise
from environment.errors import Trouble
from environment.plan import Step
from environment.progress import BuildProgress

POINTER = b"version https://git-lfs"


def build(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Runs a build, saying its stages; a failure names the instruction and the known remedy."""
    try:
        with BuildProgress() as progress:
            execution.run(words, step, log, progress)
    except Trouble as trouble:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        error = recognise(text[-20_000:]) if answers() else named("daemon-lost")
        what = f"{trouble.what}\n{error.what}" if error else trouble.what
        mend = error.mend if error else trouble.mend
        told = DockerTrouble(what, id=error.id if error else "", where=trouble.where, mend=mend)
        told.log = trouble.log  # where the whole build speaks: the cause may stand long before its last lines
        raise told from trouble


def answers() -> bool:
    """Whether the engine is still there: one that goes away ends a build with the words of a layer that was cut."""
    try:
        connect()
    except DockerTrouble:
        return False
    return True


def expect(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Runs a command whose output has to be the last word of the step's `why`."""
    execution.run(words, step, log)
    expected, found = step.why.split()[-1], log.read_text(encoding="utf-8").strip()
    if found != expected:
        raise Trouble(
            f"{step.title}: it is {found}, the release pins {expected}",
            where=" ".join(words),
            why="the backend only works with exactly the TensorRT-LLM commit it was tagged with",
            mend="do not move the tag; compare with invoke releases --tag",
        )


def refuse_pointers(words: tuple[str, ...], step: Step, log: Path) -> None:
    """Runs `git lfs ls-files` and refuses the build when a listed file is still a pointer."""
    execution.run(words, step, log)
    place = Path(words[words.index("-C") + 1])
    listed = [line.split(" ", 2)[-1] for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    pointers = [name for name in listed if is_pointer(place / name)]
    if pointers:
        raise Trouble(
            f"{len(pointers)} of {len(listed)} git-lfs files are still pointers: {', '.join(pointers[:3])}",
            where=str(place),
            why="the link step would fail on them, hours from now",
            mend=f"git -C {place} lfs pull",
        )


def is_pointer(file: Path) -> bool:
    """Whether a file is missing or holds a git-lfs pointer instead of its content."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(POINTER)) == POINTER
    except OSError:
        return True
