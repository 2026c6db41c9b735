"""What a person changes about the server of a plan: who may connect, what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from environment.console import say
from environment.errors import Usage
from environment.plan import Plan, Step
from recipes.deployment import Ports
from recipes.serve import QUALITY

RESTART = re.compile(r"no|always|unless-stopped|on-failure(:[1-9]\d*)?")
EXPOSED = "anyone who reaches this host can use the model and read the metrics: Triton asks nobody who they are"


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """Empty means: as planned. `expose` publishes on every address of this host; `quality` judges the answers."""

    restart: str = ""
    env_file: str = ""
    expose: bool = False
    quality: bool = True


def warn_of_exposure(asked: Adjustment, ports: Ports) -> None:
    """Says what `expose` opens, before anything is done."""
    if asked.expose:
        opened = f"{ports.http}, {ports.grpc} and {ports.metrics} on every address of this host"
        say(f"warning: --expose publishes {opened}: {EXPOSED}", style="yellow")


def adjusted(plan: Plan, asked: Adjustment) -> Plan:
    """The plan with other words for its server; raises Usage for a value that cannot be one."""
    check(asked)
    kept = (step for step in plan.steps if asked.quality or step.tool != QUALITY)
    return replace(plan, steps=tuple(_step(step, asked) for step in kept))


def check(asked: Adjustment) -> None:
    """Raises Usage for an unknown restart policy."""
    if asked.restart and not RESTART.fullmatch(asked.restart):
        why = "Docker knows no, always, unless-stopped and on-failure[:N]"
        raise Usage(f"--restart {asked.restart} is no policy", why=why, mend="such as --restart unless-stopped")


def refuse_missing_file(asked: Adjustment) -> None:
    """Raises Usage for variables in a file that is not there, which Docker would say after hours of building."""
    if asked.env_file and not Path(asked.env_file).is_file():
        mend = "write NAME=VALUE lines into it, one a variable"
        raise Usage(f"--env-file {asked.env_file} is no file", where=str(Path.cwd()), mend=mend)


def without_gpus(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the same container on a host that has none, and that may not lift the limit on locked memory."""
    dropped = {"--gpus"}
    kept = [
        (before, word)
        for before, word in _pairs(words)
        if not (word in dropped or before in dropped or word == "memlock=-1")
    ]
    return tuple(word for index, (_, word) in enumerate(kept) if not (word == "--ulimit" and _bare(kept, index)))


def _bare(kept: list[tuple[str, str]], index: int) -> bool:
    """Whether the value of this `--ulimit` was dropped."""
    return index + 1 == len(kept) or kept[index + 1][0] != "--ulimit"


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each word with the one before it."""
    return list(zip(("", *words), words, strict=False))


def _step(step: Step, asked: Adjustment) -> Step:
    if step.tool != "docker":
        return step
    words = step.argv
    if asked.expose:
        words = tuple(
            re.sub(r"^127\.0\.0\.1:", "0.0.0.0:", word) if before == "--publish" else word
            for before, word in _pairs(words)
        )
    more = (*(("--restart", asked.restart) if asked.restart else ()), *_file(asked.env_file))
    return replace(step, argv=(*words[:2], *more, *words[2:]))


def _file(path: str) -> tuple[str, ...]:
    return ("--env-file", path) if path else ()
