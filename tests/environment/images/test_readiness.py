"""What this host lacks is said before the first byte is fetched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from environment.engine_answers import Info
from environment.errors import Trouble
from environment.images.order import Order, ordered
from environment.images.readiness import listed, needed, refuse_unready, tools, warnings
from environment.machine import Machine, free_space
from environment.unknown import Unknown

SMALL = Machine(processors=8, memory=16 * 10**9, swap=0, architectures=(), buildkit=True)


def an_order(tag: str, way: str) -> Order:
    return ordered(tag=tag, way=way, name="", registry="")


def test_sizes_as_nvidias_table_has_them() -> None:
    assert [listed(size) for size in ("31G", "20.49 GB", "900 MB", None, "", "huge")] == [
        31 * 10**9,
        20_490_000_000,
        900 * 10**6,
        0,
        0,
        0,
    ]


def test_what_an_image_needs() -> None:
    assert needed(an_order("v0.10.0", "ngc"), base_there=False) == 32 * 10**9
    assert needed(an_order("v0.10.0", "ngc"), base_there=True) == 10**9
    assert needed(an_order("v0.10.0", "source"), base_there=True) == 63 * 10**9


def test_a_small_disk_is_refused_with_both_amounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("environment.images.readiness.free_space", lambda _folder: 5 * 10**9)
    info = Info(version="1", api="1", root=str(tmp_path), runtimes=(), driver="overlay2")
    with pytest.raises(Trouble, match=r"needs 32\.0 GB free .* and 5\.0 GB are") as caught:
        refuse_unready(an_order("v0.10.0", "ngc"), info, SMALL, tmp_path / "store", base_there=False)
    assert caught.value.where == str(tmp_path)


def test_the_disk_of_an_engine_elsewhere_is_not_this_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = {Path("/var/lib/docker"): 0, tmp_path: 10**12}
    monkeypatch.setattr("environment.images.readiness.free_space", free.__getitem__)
    info = Info(version="1", api="1", root="/var/lib/docker", runtimes=(), driver="overlay2", here=False)
    refuse_unready(an_order("v0.10.0", "ngc"), info, SMALL, tmp_path, base_there=False)


def test_a_folder_that_may_not_be_looked_into_has_unknown_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    assert free_space(Path("/private/docker")) == Unknown("/private/docker: Permission denied")


def test_a_small_workspace_is_refused_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = {tmp_path: 10**11, tmp_path / "store": 10**6}
    monkeypatch.setattr("environment.images.readiness.free_space", free.__getitem__)
    info = Info(version="1", api="1", root=str(tmp_path), runtimes=(), driver="overlay2")
    for way, need in (("ngc", "20 MB"), ("source", r"5\.0 GB")):
        with pytest.raises(Trouble, match=rf"needs {need} free in the workspace .* and 1 MB are") as caught:
            refuse_unready(an_order("v0.10.0", way), info, SMALL, tmp_path / "store", base_there=False)
        assert "TRTLLM_WORKSPACE" in caught.value.mend


@pytest.mark.parametrize(
    ("tag", "way", "ca", "needed"),
    [
        ("v0.10.0", "ngc", "", {"git"}),
        ("v0.10.0", "source", "", {"git", "git-lfs"}),
        ("v0.10.0", "source", "/ca.crt", {"git", "git-lfs"}),
        ("v0.21.0", "source", "", {"git", "git-lfs", "make", "docker-buildx"}),
    ],
)
def test_the_programs_an_order_needs(tag: str, way: str, ca: str, needed: set[str]) -> None:
    assert set(tools(replace(an_order(tag, way), ca=ca), SMALL)) == needed


def test_a_ca_needs_buildkit_of_either_kind() -> None:
    order = replace(an_order("v0.10.0", "source"), ca="/ca.crt")
    assert "docker-buildx" in tools(order, replace(SMALL, buildkit=False))


def test_known_blockers_and_memory_are_told_before_a_build() -> None:
    said = "\n".join(warnings(an_order("v0.5.0", "source"), SMALL))
    assert 'known of v0.5.0: TensorRT tarball is under a "secure" download path' in said
    assert "8 jobs need about 16 GB" in said
    assert "add swap" in said
    assert warnings(an_order("v0.10.0", "ngc"), SMALL) == ()


def test_what_nobody_established_is_told() -> None:
    (said, _) = warnings(an_order("v0.20.0", "source"), SMALL)
    assert said == (
        "not established for v0.20.0: BASE_TAG, TRITON_BASE_TAG, BUILD_WHEEL_ARGS; upstream's own defaults are used"
    )
