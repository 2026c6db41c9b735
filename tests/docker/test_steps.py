"""What a step in a container took, on real engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.errors import Trouble
from environment.execution import carry_out
from environment.plan import Plan, Step
from environment.step_records import read
from recipes.container_runs import in_container
from tests.docker.conftest import RealEngine

pytestmark = pytest.mark.docker
IN_IMAGE = ("docker", "run", "--rm", "--network", "none", "trtllm-test/python:1")
HOLD = "import time; held = bytearray({size} << 20); time.sleep(2.5); raise SystemExit({code})"
MEBIBYTE = 1 << 20


def plan(*sizes: int, code: int = 0) -> Plan:
    words = [("python3", "-c", HOLD.format(size=size, code=code)) for size in sizes]
    steps = (Step(title="Hold", tool="python3", where="container", argv=argv) for argv in words)
    return Plan(purpose="try", release="v0.10.0", in_image=IN_IMAGE, steps=tuple(steps))


@pytest.mark.usefixtures("engine")
def test_the_peak_is_the_containers_own(tmp_path: Path) -> None:
    carry_out(plan(32, 160), tmp_path, {"python3": in_container})
    peaks = [record.memory or 0 for record in read(tmp_path)]
    assert 32 * MEBIBYTE < peaks[0] < 100 * MEBIBYTE
    assert 160 * MEBIBYTE < peaks[1] < 230 * MEBIBYTE


def test_a_step_that_fails_tells_its_peak_and_leaves_no_container(engine: RealEngine, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="exit code 3"):
        carry_out(plan(48, code=3), tmp_path, {"python3": in_container})
    (record,) = read(tmp_path)
    assert record.ended == "failed"
    assert (record.memory or 0) > 48 * MEBIBYTE
    assert engine.docker("ps", "--all", "--quiet") == ""
