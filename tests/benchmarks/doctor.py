"""`invoke doctor`: what it takes beyond what nobody can do without, bare Invoke and the slowest single probe."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median

from doctor.asked import Asked
from doctor.probes.taking import take
from doctor.visit import probes, visit
from environment.workspace import PROJECT
from tests.benchmarks.measurement import Measurement

ROUNDS = 21
GOAL = 1.3


def measurements() -> Iterable[Measurement]:
    """The three are taken in turns, so that a busy moment of the machine meets them alike."""
    asked = probes(visit("", Asked(), PROJECT))
    slowest = max(asked, key=lambda probe: min(_seconds(lambda: take((probe,))) for _ in range(3)))
    rounds = [(_invoke("--version"), _seconds(lambda: take((slowest,))), _invoke("doctor")) for _ in range(ROUNDS)]
    bare, probe, doctor = (median(times) for times in zip(*rounds, strict=True))
    ratio = doctor / (bare + probe)
    yield Measurement(name="bare Invoke (--version)", value=f"{bare:.3f} s")
    yield Measurement(name=f"the slowest probe of this host ({slowest.gives[0]})", value=f"{probe:.3f} s")
    yield Measurement(name="invoke doctor", value=f"{doctor:.3f} s")
    yield Measurement(
        name="invoke doctor against bare Invoke and the slowest probe",
        value=f"{ratio:.2f}x",
        goal=f"{GOAL}x",
        met=ratio <= GOAL,
    )


def _invoke(*words: str) -> float:
    """Seconds of a whole `invoke WORDS`."""
    command = (sys.executable, "-m", "invoke", *words)
    return _seconds(lambda: subprocess.run(command, cwd=PROJECT, capture_output=True, check=False))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
