"""A visit asks everything at once, ends in time whatever hangs, and leaves nothing running."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from doctor.asked import Asked, Named
from doctor.visit import WHOLE_RUN, Visit, probes, taken, visit
from environment.errors import Usage
from tests.waiting import is_running, soon

HANGS = "#!/bin/sh\necho $$ >>{pids}\ntrap '' TERM\nsleep 60 & echo $! >>{pids}\nwait\n"


def everything(tmp_path: Path) -> Visit:
    """A visit that asks all there is to ask, but for what only --deep does."""
    folders = Named(
        engine=str(tmp_path), model=str(tmp_path), repository=str(tmp_path), source=str(tmp_path), online=True
    )
    asked = Asked(recipe="qwen2", hub="a/b", hub_revision="c" * 40)
    return visit("v0.10.0", asked, tmp_path, image="trtllm-test/none:here", named=folders)


def test_no_probe_may_take_longer_than_a_visit(tmp_path: Path) -> None:
    asked = probes(everything(tmp_path))
    names = [name for probe in asked for name in probe.gives]
    assert len(names) == len(set(names))
    assert {"hub", "named/engine", "image/pip", "run/log", "source/head", "docker/info"} <= set(names)
    assert max(probe.deadline for probe in asked) <= WHOLE_RUN


def test_a_visit_ends_in_time_with_all_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pids"
    for name in ("docker", "nvidia-ctk", "git", "git-lfs"):
        (tmp_path / name).write_text(HANGS.format(pids=pids))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    # A slow machine needs longer to read what does not hang, and to start what does.
    assert any(ends_in_time(everything(tmp_path), deadline, pids) for deadline in (1, 4, 16))
    assert soon(lambda: not any(map(is_running, map(int, pids.read_text().split()))))


def ends_in_time(asked: Visit, deadline: float, pids: Path) -> bool:
    """Whether a visit ends soon after its deadline, with what does not hang and without what does."""
    pids.write_text("")
    start = time.monotonic()
    readings = taken(asked, deadline=deadline)
    took = time.monotonic() - start
    hung = {readings[name].status for name in ("docker/info", "tool/nvidia-ctk", "source/head")}
    read = {readings[name].status for name in ("proc/meminfo", "named/engine")}
    return (hung, read) == ({"timeout"}, {"read"}) and len(pids.read_text().split()) >= 6 and took < 4 * deadline


@pytest.mark.parametrize("option", ["engine", "model", "repository"])
def test_what_is_no_folder_is_refused_before_anything_is_asked(tmp_path: Path, option: str) -> None:
    named = replace(Named(), **{option: str(tmp_path / "missing")})
    with pytest.raises(Usage, match=f"--{option} .*missing is no folder"):
        taken(visit("", Asked(), tmp_path, named=named))


def test_an_unknown_tag_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"v0\.10\.9"):
        visit("v0.10.9", Asked(), tmp_path)
    assert visit("0.10.0", Asked(), tmp_path).tag == "v0.10.0"
