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
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from environment.console import duration, say
from environment.errors import Trouble, printable
from environment.metering import metered, resident, watched
from environment.outputs import size_of, there
from environment.plan import Plan, Step
from environment.progress import working
from environment.signals import interrupts_held, uninterrupted
from environment.staging import flush
from environment.step_records import Ending, StepRecord, add, last_time
from environment.step_records import read as read_records

LAST_LINES = 20
HERE = Path(__file__).parents[1]  # where `./inv` is
WORTH_SAYING = 1.0  # seconds
GLANCE = 0.2  # seconds between two looks at what a command has written
GRACE = 10.0  # seconds between asking a process group to end and ending it


Actor = Callable[[tuple[str, ...], Step, Path], None]
NOBODY: Mapping[str, Actor] = MappingProxyType({})


def carry_out(plan: Plan, logs: Path, actors: Mapping[str, Actor] = NOBODY) -> None:
    """Runs the steps of `plan` in order, each with a log of its own in `logs`; stops at the first that fails.

    `actors` do the steps of their tool in their own way: with progress, a watchdog, or a look at what came out. What
    each step took is recorded beside the logs. Raises Trouble with the command, its last lines and its log.
    """
    logs.mkdir(parents=True, exist_ok=True)
    run = Carrying(plan=plan, logs=logs, actors=actors, began=time.time(), before=read_records(logs))
    try:
        for number, step in enumerate(plan.steps, 1):
            run.do(number, step)
    finally:
        for step in plan.last:
            run.do(0, step)


@dataclass(frozen=True, kw_only=True)
class Carrying:
    """A plan that is being carried out; `before` are the records of earlier times."""

    plan: Plan
    logs: Path
    actors: Mapping[str, Actor]
    began: float
    before: tuple[StepRecord, ...]

    def do(self, number: int, step: Step) -> None:
        """Does a step, unless what it makes is there; number 0 is one of those done however it ends."""
        heading = f"[{number}/{len(self.plan.steps)}] {step.title}" if number else step.title
        if path := there(step):
            say(f"{heading}: there already ({path})")
            self.record(number, step, "there", time.time(), there=path)
            return
        known = last_time(self.before, step)
        say(f"{heading} ({duration(known.seconds)} last time)" if known and known.seconds > WORTH_SAYING else heading)
        self.run(number, step)

    def run(self, number: int, step: Step) -> None:
        """Runs the step's command and records what it took, however it ends."""
        log = self.logs / (f"{number:02}-{step.tool}.log" if number else f"last-{step.tool}.log")
        began, size = time.time(), size_of(step)
        ended: Ending = "interrupted"
        with metered() as meter, working() if step.where == "container" else nullcontext():
            try:
                self.actors.get(step.tool, run)(self.plan.words(step), step, log)
                ended = "done"
            except Exception:
                ended = "failed"
                raise
            finally:
                grown = None if size is None else max((size_of(step) or 0) - size, 0)
                self.record(number, step, ended, began, memory=meter.peak, disk=grown, log=str(log))
        if (took := time.time() - began) > WORTH_SAYING:
            say(f"      done in {took:.1f} s", style="dim")

    def record(self, number: int, step: Step, ended: Ending, began: float, **seen: Any) -> None:
        """Writes down how a step went."""
        add(
            self.logs,
            StepRecord(
                run=self.began,
                step=number,
                steps=len(self.plan.steps),
                title=step.title,
                tool=step.tool,
                ended=ended,
                began=began,
                seconds=round(time.time() - began, 3),
                **seen,
            ),
        )


def run(words: tuple[str, ...], step: Step, log: Path, watch: Callable[[str], None] | None = None) -> None:
    """Runs one command in its own process group, its output into `log`; an interrupt ends the whole group.

    `watch` is told each line that the command has written, as it is written. What `mv` gives its final name is on the
    disk before it has it: after a power cut, a whole folder of empty files would be taken for a finished one.
    """
    if words[0] == "mv":
        flush(Path(words[1]))
    environment = {**os.environ, **(step.env if step.where == "host" else {})}
    with log.open("wb") as file, interrupts_held() as release:  # one that comes while it starts would leave it running
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
            mend = f"install {words[0]}, or put it on PATH: command -v {words[0]} shows whether it is"
            what = f"{words[0]} cannot be started: {error.strerror}"
            raise Trouble(what, where=shlex.join(words), mend=mend) from error
        try:
            release()
            with watched(partial(resident, process.pid)):
                code = followed(process, log, watch) if watch else process.wait()
        except BaseException:
            with uninterrupted():  # a second Ctrl-C would leave it running, in its session of its own
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
        last = printable("".join(deque(file, None if step.explains else LAST_LINES)).rstrip())
    return Trouble(
        f"{step.title}: {step.tool} ended with exit code {code}\n{last}",
        where=f"{shlex.join(words)}  (log: {log})",
        why=step.why or "the steps after it need what it makes; finished steps are kept",
        mend="mend the cause, then run the same command again",
        log=None if step.explains else log,
    )
