"""Takes all readings at once, and cuts what hangs together with its children.

Probes run as threads of a forked process in a process group of its own, and tell what they read line by line: what was
read before a driver, a dead network disk or a daemon stopped answering is kept. A probe that calls into a library which
may break gets a process to itself. A fork costs milliseconds, where a new interpreter would cost more than most probes.
"""

from __future__ import annotations

import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import msgspec

from doctor.facts.readings import Reading
from environment.data import Value

DEADLINE = 8.0  # seconds; a healthy probe takes well under one
LARGEST = 8 << 20  # bytes one process may say
PATIENCE = tuple(0.0002 * 2**step for step in range(10))  # seconds between looks at a process that ends
Taken = Iterator[tuple[str, Reading]]


class Probe(Value, frozen=True, kw_only=True):
    """`read` yields the readings named in `gives`, one by one; `alone`: it may break the process it runs in."""

    gives: tuple[str, ...]
    read: Callable[[], Taken]
    deadline: float = DEADLINE
    alone: bool = False


class Run(msgspec.Struct, kw_only=True):
    """Probes at work in one process, and what they have said so far."""

    probes: tuple[Probe, ...]
    pid: int
    pipe: int
    started: float
    readings: dict[str, Reading] = {}
    rest: bytes = b""
    size: int = 0
    ended: bool = False
    killed_by: int = 0

    @property
    def waits_until(self) -> float:
        """When the last probe that still owes a reading must have given it; the start when none does."""
        owing = (probe.deadline for probe in self.probes if not self.readings.keys() >= set(probe.gives))
        return self.started + max(owing, default=0.0)


def _as_it_is(taken: Reading) -> Reading:
    return taken


def start(probes: tuple[Probe, ...]) -> list[Run]:
    """Starts every probe; do something useful before `finish`."""
    together = tuple(probe for probe in probes if not probe.alone)
    groups = [(probe,) for probe in probes if probe.alone]
    return [_start(group) for group in (*groups, together) if group]


def finish(runs: list[Run], heard: Callable[[Reading], Reading] = _as_it_is) -> dict[str, Reading]:
    """Every reading the probes promised, as `heard` makes it when it comes; one that did not come in time says so."""
    try:
        _listen(runs, heard)
    finally:
        for run in runs:
            _end(run)
    return {name: taken for run in runs for name, taken in _promised(run).items()}


def take(probes: tuple[Probe, ...]) -> dict[str, Reading]:
    """Starts every probe and waits for what they say."""
    return finish(start(probes))


def _start(probes: tuple[Probe, ...]) -> Run:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be(probes, theirs)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)  # here as well as there: whoever comes first
    os.close(theirs)
    return Run(probes=probes, pid=pid, pipe=ours, started=time.monotonic())


def _be(probes: tuple[Probe, ...], pipe: int) -> None:
    """The life of the probes' process: it never returns, and leaves no trace on the terminal."""
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        voice = threading.Lock()
        threads = [threading.Thread(target=_speak, args=(probe, pipe, voice), daemon=True) for probe in probes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os._exit(0)


def _speak(probe: Probe, pipe: int, voice: threading.Lock) -> None:
    """Writes what the probe yields, a line each; its own bug becomes the reading of what it did not get to."""
    owed = dict.fromkeys(probe.gives)
    try:
        for name, taken in probe.read():
            owed.pop(name, None)
            _write(pipe, voice, name, taken)
        why = "the probe ended without it"
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    for name in owed:
        _write(pipe, voice, name, Reading(status="failed", reason=why))


def _write(pipe: int, voice: threading.Lock, name: str, taken: Reading) -> None:
    words = msgspec.json.encode((name, taken)) + b"\n"
    with voice:
        while words:
            words = words[os.write(pipe, words) :]


def _listen(runs: list[Run], heard: Callable[[Reading], Reading]) -> None:
    """Hears every process until it ends, says too much, or nobody in it has time left."""
    with selectors.DefaultSelector() as ears:
        for run in runs:
            ears.register(run.pipe, selectors.EVENT_READ, run)
        while ears.get_map():
            for key in list(ears.get_map().values()):
                if key.data.ended or key.data.waits_until <= time.monotonic():
                    ears.unregister(key.fd)
            waiting = [key.data.waits_until for key in ears.get_map().values()]
            for key, _ in ears.select(max(min(waiting) - time.monotonic(), 0)) if waiting else ():
                _hear(key.data, heard)


def _hear(run: Run, heard: Callable[[Reading], Reading]) -> None:
    """Takes what the process says now; half a line waits for its other half."""
    words = os.read(run.pipe, 1 << 16)
    run.size += len(words)
    run.ended = not words or run.size > LARGEST
    *lines, run.rest = (run.rest + words).split(b"\n")
    said = (msgspec.json.decode(line, type=tuple[str, Reading]) for line in lines)
    run.readings.update((name, heard(taken)) for name, taken in said)


def _end(run: Run) -> None:
    """No process of the probes outlives them; one stuck in the kernel is left to the kernel, unwaited."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(run.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        for patience in PATIENCE:
            pid, status = os.waitpid(run.pid, os.WNOHANG)
            if pid:
                run.killed_by = os.WTERMSIG(status) if run.ended and os.WIFSIGNALED(status) else 0
                break
            time.sleep(patience)
    os.close(run.pipe)


def _promised(run: Run) -> Mapping[str, Reading]:
    owed = {name: _missing(run, probe) for probe in run.probes for name in probe.gives if name not in run.readings}
    return {**run.readings, **owed}


def _missing(run: Run, probe: Probe) -> Reading:
    """Why a reading never came."""
    if not run.ended:
        return Reading(status="timeout", reason=f"no answer within {probe.deadline:g} s; the probe was cut")
    if run.killed_by not in {0, signal.SIGKILL}:
        return Reading(status="failed", reason=f"the probe broke with {signal.Signals(run.killed_by).name}")
    return Reading(status="failed", reason="the probe ended without it")
