"""The only actor: says, skips what is there, runs the rest, and fails with the command and its last words."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from environment.console import say
from environment.errors import Trouble
from environment.plan import Plan, Step

LAST_LINES = 20
HERE = Path(__file__).parents[1]  # where `./inv` is
WORTH_SAYING = 1.0  # seconds
GLANCE = 0.2  # seconds between two looks at what a command has written
GRACE = 10.0  # seconds between asking a process group to end and ending it


Actor = Callable[[tuple[str, ...], Step, Path], None]
NOBODY: Mapping[str, Actor] = MappingProxyType({})


def carry_out(plan: Plan, logs: Path, actors: Mapping[str, Actor] = NOBODY) -> None:
    """Runs the steps of `plan` in order, each with a log of its own in `logs`; stops at the first that fails.

    `actors` do the steps of their tool in their own way: with progress, a watchdog, or a look at what came out.
    Raises Trouble with the command, its last lines and its log.
    """
    logs.mkdir(parents=True, exist_ok=True)
    try:
        for number, step in enumerate(plan.steps, 1):
            _do(plan, step, f"[{number}/{len(plan.steps)}] {step.title}", logs / f"{number:02}-{step.tool}.log", actors)
    finally:
        for step in plan.last:
            _do(plan, step, step.title, logs / f"last-{step.tool}.log", actors)


def _do(plan: Plan, step: Step, heading: str, log: Path, actors: Mapping[str, Actor]) -> None:
    if there := next((path for path in step.outputs if Path(path).exists()), ""):
        say(f"{heading}: there already ({there})")
        return
    say(heading)
    started = time.monotonic()
    actors.get(step.tool, run)(plan.words(step), step, log)
    if (took := time.monotonic() - started) > WORTH_SAYING:
        say(f"      done in {took:.1f} s", style="dim")


def run(words: tuple[str, ...], step: Step, log: Path, watch: Callable[[str], None] | None = None) -> None:
    """Runs one command in its own process group, its output into `log`; an interrupt ends the whole group.

    `watch` is told each line that the command has written, as it is written.
    """
    environment = {**os.environ, **(step.env if step.where == "host" else {})}
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=HERE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise Trouble(f"{words[0]} cannot be started: {error.strerror}", where=shlex.join(words)) from error
        try:
            code = followed(process, log, watch) if watch else process.wait()
        except BaseException:
            end_group(process)
            raise
    if code != 0:
        raise failed(step, words, code, log)


def followed(process: subprocess.Popen[bytes], log: Path, watch: Callable[[str], None]) -> int:
    """Waits for the process, telling `watch` each line of its log; its exit code."""
    ended = os.pidfd_open(process.pid)  # readable at the very moment the process ends
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            while not select.select([ended], [], [], GLANCE)[0]:
                for line in lines:
                    watch(line.rstrip("\n"))
            code = process.wait()
            for line in lines:
                watch(line.rstrip("\n"))
            return code
    finally:
        os.close(ended)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Asks the process group to end, then ends it."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, request)
            process.wait(GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return


def failed(step: Step, words: tuple[str, ...], code: int, log: Path) -> Trouble:
    """The error of a step that ended with `code`: its command, its last lines, its log."""
    with log.open(encoding="utf-8", errors="replace") as file:
        last = "".join(deque(file, LAST_LINES)).rstrip()
    return Trouble(
        f"{step.title}: {step.tool} ended with exit code {code}\n{last}",
        where=f"{shlex.join(words)}  (log: {log})",
        why="the steps after it need what it makes; finished steps are kept",
        mend="mend the cause, then run the same command again",
        log=log,
    )
