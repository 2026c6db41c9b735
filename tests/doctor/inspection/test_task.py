"""`invoke inspect` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import invoke
from tests.doctor.plans import PLANS

DEFAULT = str(PLANS / "trt-8.6.0.12-sm90-default.plan")
OLD = str(PLANS / "trt-8.5.3.1-sm90-default.plan")
FOR = ("--for-tensorrt", "8.6.0.12", "--for-compute", "9.0")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((DEFAULT, *FOR), 0),
        ((DEFAULT, OLD, *FOR), 1),
        ((*FOR, OLD, DEFAULT), 1),
        ((DEFAULT, "--for-compute", "9.0"), 3),
        ((DEFAULT, "--for-tensorrt", "8.6", "--for-compute", "9.0"), 2),
        (("/nowhere/at/all",), 2),
        ((), 2),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = invoke("inspect", *words, workspace=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) is (code != 2)


def test_many_paths_in_one_call_as_data(tmp_path: Path) -> None:
    done = invoke("inspect", DEFAULT, "--json", OLD, *FOR, workspace=tmp_path)
    said = json.loads(done.stdout)
    assert said["schema"] == "inspect/1"
    assert [row["path"] for row in said["artifacts"]] == [DEFAULT, OLD]
    assert [row["verdict"]["state"] for row in said["artifacts"]] == ["loads", "not-an-engine"]


def test_a_thousand_plans_in_one_call(tmp_path: Path) -> None:
    done = invoke("inspect", *[str(DEFAULT)] * 1000, "--json", *FOR, workspace=tmp_path)
    assert len(json.loads(done.stdout)["artifacts"]) == 1000
    assert done.returncode == 0
