"""What a person changes about a plan of serve: who may connect, what comes back, what is asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from environment.console import say
from environment.errors import Usage
from environment.plan import Plan, Step
from recipes.ask import Manner
from recipes.checks import check_answer
from recipes.deployment import Ports, refuse_impossible
from recipes.serve import QUALITY

SMOKE, MOST = ("./inv", "ask"), "--max-tokens"
RESTART = re.compile(r"no|always|unless-stopped|on-failure(:[1-9]\d*)?")
EXPOSED = "anyone who reaches this host can use the model and read the metrics: Triton asks nobody who they are"


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """Empty means: as planned. `expose` publishes on every address of this host; `quality` judges the answers.

    `question` and `max_tokens` are of the answer that is shown once the server is ready.
    """

    restart: str = ""
    env_file: str = ""
    expose: bool = False
    quality: bool = True
    question: str = ""
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None:
            Manner(max_tokens=self.max_tokens)

    @property
    def of_containers(self) -> list[str]:
        """The options that say something of the server's container."""
        said = {"--restart": self.restart, "--env-file": self.env_file, "--expose": self.expose}
        return [option for option, value in said.items() if value]


def warn_of_exposure(asked: Adjustment, ports: Ports) -> None:
    """Says what `expose` opens, before anything is done."""
    if asked.expose:
        opened = f"{ports.http}, {ports.grpc} and {ports.metrics} on every address of this host"
        say(f"warning: --expose publishes {opened}: {EXPOSED}", style="yellow")


def refuse_port(said: Mapping[str, int], *, openai: bool) -> None:
    """Raises Usage for a port of the endpoint that is none, or that is said without the endpoint."""
    refuse_impossible(said)
    if said and not openai:
        what = "--openai-port is said of the OpenAI-compatible endpoint, and none was asked for"
        raise Usage(what, mend="add --openai, or leave it out")


def refuse_at_odds(*, detach: bool, follow: bool) -> None:
    """Raises Usage for a server that is to be left and followed."""
    if detach and follow:
        raise Usage("--detach leaves the server, --follow stays with its log", mend="say one; none means --detach")


def refuse_unheard(asked: Adjustment, *, rehearse: bool, in_container: bool, templates: str, locked: bool) -> None:
    """Raises Usage for options that would change nothing: of a rehearsal or container that is none, or of an image."""
    if (in_container or templates) and not rehearse:
        option = "--in-container" if in_container else "--templates"
        raise Usage(f"{option} is said of a rehearsal, and this is none", mend="add --rehearse, or leave it out")
    if in_container and templates:
        why = "a rehearsal in a container fills the templates of its stand-in image"
        raise Usage("--templates and --in-container", why=why, mend="say one of them")
    if rehearse and locked:
        why = "a rehearsal has neither the locked image nor the locked checkpoint"
        raise Usage("--locked is said of what serves on GPUs, and this is a rehearsal", why=why, mend="leave it out")
    if rehearse and not in_container and asked.of_containers:
        what = f"{asked.of_containers[0]} is said of a container, and this rehearsal has none"
        raise Usage(what, mend="add --in-container, or leave it out")


def adjusted(plan: Plan, asked: Adjustment, longest: int = sys.maxsize) -> Plan:
    """The plan with other words for its server, whose answers have `longest` tokens at most.

    Raises Usage for a value that cannot be one.
    """
    check(asked)
    check_answer(asked.max_tokens or 0, longest)
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
    if step.argv[:2] == SMOKE:
        return replace(step, argv=_asking(step.argv, asked))
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


def _asking(words: tuple[str, ...], asked: Adjustment) -> tuple[str, ...]:
    """The words of the smoke question with what is asked instead."""
    kept = [word for before, word in _pairs(words) if MOST not in (before, word)] if asked.max_tokens else words
    longest = (MOST, str(asked.max_tokens)) if asked.max_tokens else ()
    return (*kept[:2], asked.question or kept[2], *kept[3:], *longest)


def _file(path: str) -> tuple[str, ...]:
    return ("--env-file", path) if path else ()
