from __future__ import annotations

import json
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environment.artifacts.heads import Head, read
from environment.artifacts.plan_heads import archive, contained, values
from environment.artifacts.plan_stream import Layout, known_layouts
from environment.artifacts.tensorrt_plan import Plan, read_plan, ultralytics_prefix
from environment.unknown import Unknown
from tests.doctor.plans import PLANS, damaged, plan

# What real plans in public repositories say (plan_layouts.toml names them): version, layout, archive header, compute,
# SMs. The first bytes are written again from these facts.
PUBLIC = [
    ((7, 1, 3, 0), "7.1", (7, 1), (7, 2), 8),
    ((8, 2, 1, 8), "8.2", (8, 0), (5, 3), 1),
    ((8, 6, 1, 6), "8.6", (8, 0), (8, 9), 46),
    ((10, 0, 1, 6), "10.0", (8, 0), (7, 5), 16),
    ((10, 3, 0, 26), "10.3", (8, 0), (7, 5), 40),
    ((10, 6, 0, 26), "10.3", (10, 6), (7, 5), 16),
    ((10, 9, 0, 34), "10.9", (10, 6), (12, 0), 70),
    ((10, 15, 1, 29), "10.9", (10, 6), (8, 6), 28),
]


def layout(name: str) -> Layout:
    return next(found for found in known_layouts() if found.name == name)


def written(version: tuple[int, ...], name: str, form: tuple[int, int], compute: tuple[int, int], sms: int) -> bytes:
    known = layout(name)
    device = {"compute_major": compute[0], "compute_minor": compute[1], "sm_count": sms, "hardware_level": 0}
    number = known.releases.get(f"{version[0]}.{version[1]}", 238)
    engine = archive(values(known, version, device) + bytes(40), form, number)
    return engine if version < (8, 6) else contained(engine, version)


def seen(path: Path, content: bytes) -> Plan:
    path.write_bytes(content)
    found = read_plan(path)
    assert isinstance(found, Plan)
    return found


@pytest.mark.parametrize(
    ("name", "version", "level"),
    [
        ("trt-8.5.3.1-sm90-default", (8, 5, 3, 1), None),
        ("trt-8.6.0.12-sm90-default", (8, 6, 0, 12), 0),
        ("trt-8.6.0.12-sm90-hw", (8, 6, 0, 12), 1),
        ("trt-8.6.0.12-sm90-vcx", (8, 6, 0, 12), 0),
    ],
)
def test_reads_the_plans_of_an_h200(name: str, version: tuple[int, ...], level: int | None) -> None:
    found = read_plan(PLANS / f"{name}.plan")
    assert isinstance(found, Plan)
    assert (found.tensorrt, found.compute, found.complete) == (version, (9, 0), True)
    assert found.stream.device["sm_count"] == 132
    assert found.stream.device["memory_bytes"] == 150109880320
    assert found.stream.device.get("hardware_level") == level


@pytest.mark.parametrize("public", PUBLIC, ids=str)
def test_reads_every_layout_seen_in_public(
    tmp_path: Path, public: tuple[tuple[int, ...], str, tuple[int, int], tuple[int, int], int]
) -> None:
    version, name, _, compute, sms = public
    found = seen(tmp_path / "a.plan", written(*public))
    assert (found.tensorrt, found.compute, found.stream.layout) == (version, compute, name)
    assert found.stream.device["sm_count"] == sms
    assert found.complete


def test_a_release_not_seen_yet_is_read_if_every_type_agrees(tmp_path: Path) -> None:
    found = seen(tmp_path / "a.plan", written((9, 2, 0, 5), "8.6", (8, 0), (8, 0), 108))
    assert (found.tensorrt, found.compute, found.complete) == ((9, 2, 0, 5), (8, 0), True)


def test_an_unknown_layout_is_said_to_be_unknown_and_never_guessed(tmp_path: Path) -> None:
    engine = values(layout("8.6"), (11, 0, 0, 1), {})[:20] + struct.pack("<HHQ", 0x8009, 1, 9) * 30
    found = seen(tmp_path / "a.plan", contained(archive(engine, (10, 6), 250), (11, 0, 0, 1)))
    assert (found.tensorrt, found.compute, found.stream.layout, found.fault) == ((11, 0, 0, 1), None, "", None)


def test_an_engine_behind_other_sections_is_found(tmp_path: Path) -> None:
    engine = archive(values(layout("8.6"), (8, 6, 1, 6), {"compute_major": 8, "hardware_level": 0}), (8, 0), 236)
    found = seen(tmp_path / "a.plan", contained(engine, (8, 6, 1, 6), (b"NAEL",) * 20))
    assert [section.tag for section in found.sections] == ["NAEL"] * 20 + ["NGNE"]
    assert found.compute == (8, 7)


@pytest.mark.parametrize("keep", [33, 64, 200, 300, 12738, 22395])
def test_a_cut_plan_is_not_whole_and_still_tells_what_is_left(tmp_path: Path, keep: int) -> None:
    found = seen(tmp_path / "a.plan", damaged(plan("8.6.0.12"), f"truncate={keep}"))
    assert (found.complete, found.file_size, found.expected_size) == (False, keep, 22396)
    assert found.fault is not None
    assert found.tensorrt == ((8, 6, 0, 12) if keep >= 100 else None)


def test_a_bare_plan_cut_or_grown_by_a_byte_is_not_whole(tmp_path: Path) -> None:
    for variant in ("truncate=18656", "append=1"):
        found = seen(tmp_path / "a.plan", damaged(plan("8.5.3.1"), variant))
        assert (found.complete, found.expected_size) == (False, 18657)


def test_the_outer_version_is_kept_apart(tmp_path: Path) -> None:
    found = seen(tmp_path / "a.plan", damaged(plan("8.6.0.12"), "outer-version=10.3.0.26"))
    assert (found.outer_version, found.tensorrt) == ((10, 3, 0, 26), (8, 6, 0, 12))


def test_reads_the_plan_behind_an_ultralytics_prefix(tmp_path: Path) -> None:
    said = json.dumps({"task": "detect", "imgsz": [640, 640]}).encode()
    path = tmp_path / "yolo.engine"
    path.write_bytes(struct.pack("<I", len(said)) + said + plan("8.6.0.12"))
    prefix = ultralytics_prefix(path)
    assert prefix == (4 + len(said), {"task": "detect", "imgsz": [640, 640]})
    found = read_plan(path, prefix[0])
    assert isinstance(found, Plan)
    assert found.complete


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff\xff{", b"\x02\0\0\0[]", b"\x09\0\0\0{", b"\x02\0\0\0{\xff"])
def test_what_has_no_prefix(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert ultralytics_prefix(tmp_path / "a") is None


@pytest.mark.parametrize("content", [b"", b"ftr", b"\x7fELF", b"version https://git-lfs.github.com/spec/v1\n"])
def test_what_is_no_plan_is_unknown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert isinstance(read_plan(tmp_path / "a"), Unknown)
    assert isinstance(read_plan(tmp_path), Unknown)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(magic=st.sampled_from([b"ftrt", b"ptrt", b""]), content=st.binary(max_size=400))
def test_any_bytes_get_an_answer(tmp_path: Path, magic: bytes, content: bytes) -> None:
    (tmp_path / "a").write_bytes(magic + content)
    assert isinstance(read_plan(tmp_path / "a"), Plan | Unknown)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 300), new=st.binary(min_size=1, max_size=24), version=st.sampled_from(["8.5.3.1", "8.6.0.12"]))
def test_any_damage_gets_an_answer(tmp_path: Path, at: int, new: bytes, version: str) -> None:
    whole = plan(version)
    (tmp_path / "a").write_bytes(whole[:at] + new + whole[at + len(new) :])
    assert isinstance(read_plan(tmp_path / "a"), Plan | Unknown)


@pytest.mark.timeout(60)
def test_a_table_of_endless_sections_ends(tmp_path: Path) -> None:
    size = 1 << 40
    head = struct.pack("<4sIQQ8x", b"ftrt", 0, 1 << 30, size) + struct.pack("<4s4xQQ", b"XXXX", 1 << 39, 0) * 99
    with (tmp_path / "a").open("wb") as file:
        file.write(head)
        file.truncate(size)
    found = read_plan(tmp_path / "a")
    assert isinstance(found, Plan)
    assert not found.complete


def test_an_18_gb_plan_costs_two_kilobytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, size = plan("8.6.0.12"), (18 << 30) + 4
    grown = whole[:16] + struct.pack("<Q", size) + whole[24:48] + struct.pack("<Q", size - 60) + whole[56:64]
    path = tmp_path / "rank0.engine"
    with path.open("wb") as file:
        file.write(grown + whole[64:72] + struct.pack("<Q", size - 84) + whole[80:1000])
        file.truncate(size - 4)
        file.seek(size - 4)
        file.write(b"\x99\x8b\x8d\x8b")
    taken = counted(monkeypatch)
    found = read_plan(path)
    assert isinstance(found, Plan)
    assert found.complete
    assert sum(taken) <= 2052


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each call of the readers' one `read`."""
    taken: list[int] = []

    def counting(path: Path, size: int, offset: int = 0) -> Head | Unknown:
        head = read(path, size, offset)
        taken.append(0 if isinstance(head, Unknown) else len(head.data))
        return head

    for module in ("heads", "tensorrt_plan"):
        monkeypatch.setattr(f"environment.artifacts.{module}.read", counting)
    return taken


def test_a_thousand_plans_take_less_than_a_second() -> None:
    assert any(seconds_for_a_thousand(PLANS / "trt-8.6.0.12-sm90-default.plan") < 1 for _ in range(3))


def seconds_for_a_thousand(path: Path) -> float:
    began = time.process_time()
    assert all(isinstance(found := read_plan(path), Plan) and found.complete for _ in range(1000))
    return time.process_time() - began
