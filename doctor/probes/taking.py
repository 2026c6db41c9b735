"""Takes all readings at once: each probe in a process group of its own, cut with its children at its deadline.

A forked process costs milliseconds, where a new interpreter would cost more than most probes; and unlike a thread it
can be cut while it hangs inside a driver, a dead network disk or a daemon that never answers.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from doctor.facts.readings import Reading

DEADLINE = 8.0  # seconds; a healthy probe takes well under one
LARGEST = 8 << 20  # bytes one probe may say
Taken = Iterator[tuple[str, Reading]]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """`read` yields the readings named in `gives`, one by one: those it gave before it hung are kept."""

    gives: tuple[str, ...]
    read: Callable[[], Taken]
    deadline: float = DEADLINE


@dataclass
class Run:
    """A probe at work in its process, and what it has said so far."""

    probe: Probe
    pid: int
    pipe: int
    ends: float
    said: bytearray = field(default_factory=bytearray)
    ended: bool = False
    killed_by: int = 0


def start(probes: tuple[Probe, ...]) -> list[Run]:
    """Starts every probe; do something useful before `finish`."""
    return [_start(probe) for probe in probes]


def finish(runs: list[Run]) -> dict[str, Reading]:
    """Every reading the probes promised; one that did not come in time says so."""
    try:
        _listen(runs)
    finally:
        for run in runs:
            _end(run)
    return {name: taken for run in runs for name, taken in _readings(run).items()}


def take(probes: tuple[Probe, ...]) -> dict[str, Reading]:
    """Starts every probe and waits for what they say."""
    return finish(start(probes))


def _start(probe: Probe) -> Run:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be(probe, theirs)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)  # here as well as there: whoever comes first
    os.close(theirs)
    return Run(probe=probe, pid=pid, pipe=ours, ends=time.monotonic() + probe.deadline)


def _be(probe: Probe, pipe: int) -> None:
    """The life of a probe's process: it never returns, and leaves no trace on the terminal."""
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        for name, taken in _said(probe):
            _write(pipe, msgspec.json.encode((name, taken)) + b"\n")
    finally:
        os._exit(0)


def _said(probe: Probe) -> Taken:
    """What the probe yields; its own bug becomes the reading of what it did not get to."""
    told: set[str] = set()
    try:
        for name, taken in probe.read():
            told.add(name)
            yield name, taken
    except Exception as error:
        for name in probe.gives:
            if name not in told:
                yield name, Reading(status="failed", reason=f"{type(error).__name__}: {error}")


def _write(pipe: int, words: bytes) -> None:
    while words:
        words = words[os.write(pipe, words) :]


def _listen(runs: list[Run]) -> None:
    """Hears every probe until it ends, says too much, or its time is over."""
    with selectors.DefaultSelector() as ears:
        for run in runs:
            ears.register(run.pipe, selectors.EVENT_READ, run)
        while ears.get_map():
            for key in list(ears.get_map().values()):
                if key.data.ends <= time.monotonic():
                    ears.unregister(key.fd)
            open_runs = [key.data for key in ears.get_map().values()]
            patience = min((run.ends for run in open_runs), default=0.0) - time.monotonic()
            for key, _ in ears.select(max(patience, 0)) if open_runs else ():
                if not _hear(key.data):
                    ears.unregister(key.fd)


def _hear(run: Run) -> bool:
    """Takes what the probe says now; False when it will say no more."""
    words = os.read(run.pipe, 1 << 16)
    run.said += words
    run.ended = not words or len(run.said) > LARGEST
    return not run.ended


def _end(run: Run) -> None:
    """No process of the probe outlives it; one stuck in the kernel is left to the kernel, unwaited."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(run.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        for _ in range(20):
            pid, status = os.waitpid(run.pid, os.WNOHANG)
            if pid:
                run.killed_by = os.WTERMSIG(status) if run.ended and os.WIFSIGNALED(status) else 0
                break
            time.sleep(0.005)
    os.close(run.pipe)


def _readings(run: Run) -> Mapping[str, Reading]:
    lines = bytes(run.said).split(b"\n")[:-1]  # what follows the last newline was cut half-way
    said = dict(msgspec.json.decode(line, type=tuple[str, Reading]) for line in lines)
    late = Reading(status="timeout", reason=f"no answer within {run.probe.deadline:g} s; the probe was cut")
    how = f": it broke with {signal.Signals(run.killed_by).name}" if run.killed_by not in {0, signal.SIGKILL} else ""
    missing = Reading(status="failed", reason=f"the probe ended without it{how}") if run.ended else late
    return {**dict.fromkeys(run.probe.gives, missing), **said}
