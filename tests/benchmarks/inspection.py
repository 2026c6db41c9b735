"""`invoke inspect`: how often it says what TensorRT said, and what a thousand plans and an 18 GB engine cost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from doctor.verdict import Target, predict
from environment.artifacts.tensorrt_plan import read_plan
from tests.benchmarks.measurement import Measurement
from tests.command_line import ROOT
from tests.doctor.plans import PLANS, Row, damaged, plan, rows

LABELS = {"accepted": "loads", "not-an-engine-or-other-format": "not-an-engine"}
BEYOND_A_HEADER = ("corrupt", "crashed")
FOR = ("--for-tensorrt", "8.6.0.12", "--for-compute", "9.0", "--json")


def measurements() -> Iterable[Measurement]:
    """Agreement first, then cost against bare Invoke in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _agreement(Path(folder) / "variant.plan")
        yield from _cost(Path(folder))


def _agreement(at: Path) -> Iterable[Measurement]:
    judged = [(LABELS.get(row.verdict, row.verdict), _state(at, row), row) for row in rows()]
    shown = [
        (real, said) for real, said, row in judged if real not in BEYOND_A_HEADER or not row.variant.startswith("byte")
    ]
    right = sum(real == said for real, said in shown)
    yield Measurement(
        name="verdicts that show in a header, as TensorRT gave them",
        value=f"{right}/{len(shown)}",
        goal="99 %",
        met=right >= 0.99 * len(shown),
    )
    everything = sum(real == said for real, said, _ in judged)
    yield Measurement(name="all verdicts, damage beyond the header included", value=f"{everything}/{len(judged)}")
    alarms = sum(real == "loads" != said for real, said, _ in judged)
    yield Measurement(name="false alarms on plans TensorRT accepted", value=str(alarms), goal="0", met=not alarms)


def _state(at: Path, row: Row) -> str:
    content = damaged(plan(row.built_with, row.option), row.variant)
    at.write_bytes(content)
    target = Target(tensorrt=tuple(map(int, row.loaded_by.split("."))), compute=(9, 0))
    return predict(read_plan(at), len(content), target).state


def _cost(folder: Path) -> Iterable[Measurement]:
    paths = [folder / f"{number}.plan" for number in range(1000)]
    for path in paths:
        path.symlink_to(PLANS / "trt-8.6.0.12-sm90-default.plan")
    bare, one, many = _cpu("--version"), _cpu("inspect", str(paths[0]), *FOR), _cpu("inspect", *map(str, paths), *FOR)
    yield Measurement(name="inspect of one plan, CPU against bare Invoke", value=f"{one / bare:.1f}x")
    yield Measurement(name="inspect of 1,000 plans in one call, CPU", value=f"{many:.2f} s", goal="1 s", met=many < 1)


def _cpu(*words: str) -> float:
    """CPU seconds of `invoke WORDS`, best of three."""
    return min(_once(words) for _ in range(3))


def _once(words: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
