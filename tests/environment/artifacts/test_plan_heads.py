"""Heads that stand in for an engine are read as the plans they name, for every release's TensorRT."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.artifacts.plan_heads import head
from environment.artifacts.tensorrt_plan import Plan, read_plan
from environment.releases import find, tags

TENSORRT = sorted({version for tag in tags() if (version := find(tag).versions.tensorrt)})


@pytest.mark.parametrize("tensorrt", TENSORRT)
@pytest.mark.parametrize("compute", [(9, 0), (0, 0)])
def test_what_was_written_is_read(tensorrt: str, compute: tuple[int, int], tmp_path: Path) -> None:
    version = tuple(map(int, tensorrt.split(".")))
    path = tmp_path / "rank0.engine"
    path.write_bytes(head(version, compute, b"nothing behind it"))
    found = read_plan(path)
    assert isinstance(found, Plan)
    assert (found.tensorrt, found.compute, found.complete) == (version, compute, True)
    path.write_bytes(path.read_bytes()[:-1])
    cut = read_plan(path)
    assert isinstance(cut, Plan)
    assert not cut.complete
