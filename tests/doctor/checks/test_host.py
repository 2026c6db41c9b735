"""What the checks of family H say, case by case."""

from __future__ import annotations

from doctor.checks.host import out_of_memory, read_only
from doctor.facts.host import Memory
from environment.releases import find
from tests.doctor.well import GIB, NOT_READ, WELL, case, changed, disk

BARE = {"HTTP_PROXY": "http://proxy:3128"}
SPARED = {**BARE, "NO_PROXY": "localhost, 127.0.0.1"}
FULL = disk("/var/lib/docker", free=20 * GIB)
NARROW = disk("/var/lib/docker", free=40 * GIB)

CASES = [
    case("H001", "pass"),
    case("H001", "warn", host__system__machine="aarch64"),
    case("H001", "warn-untold", host__system__machine="aarch64", release=find("v0.17.0")),
    case("H001", "fail", host__system__machine="ppc64le"),
    case("H001", "fail", host__system__system="Darwin"),
    case("H001", "unknown", host__system=NOT_READ),
    case("H002", "pass"),
    case("H002", "fail", host__disks__docker=FULL),
    case("H002", "warn", host__disks__docker=NARROW),
    case("H002", "unknown", host__disks__docker=NOT_READ),
    case("H002", "skip", host__disks={}),
    case("H003", "pass"),
    case("H003", "warn", host__disks__docker=NARROW),
    case("H003", "unknown", host__disks__docker=NOT_READ),
    case("H004", "pass", asked__checkpoint_bytes=15 * GIB),
    case("H004", "fail", asked__checkpoint_bytes=400 * GIB),
    case("H004", "unknown", asked__checkpoint_bytes=15 * GIB, host__disks__work=NOT_READ),
    case("H004", "skip"),
    case("H005", "pass"),
    case("H005", "warn", host__memory=Memory(total=32 * GIB, available=30 * GIB, swap=0)),
    case("H005", "warn-link", host__memory=Memory(total=16 * GIB, available=15 * GIB, swap=GIB)),
    case("H005", "unknown", host__memory=NOT_READ),
    case("H006", "pass", asked__quantization="fp8", asked__checkpoint_bytes=100 * GIB),
    case("H006", "warn", asked__quantization="fp8", asked__checkpoint_bytes=300 * GIB),
    case("H006", "unknown", asked__quantization="fp8", asked__checkpoint_bytes=GIB, host__memory=NOT_READ),
    case("H006", "skip", asked__checkpoint_bytes=GIB),
    case("H007", "pass"),
    case("H007", "warn", host__file_systems={"/": "ext4", "/data": "nfs4"}, host__disks__cache=disk("/data/hub")),
    case("H007", "pass", host__file_systems={"/": "ext4", "/data": "nfs4"}, host__disks__cache=disk("/database")),
    case("H007", "unknown", host__file_systems=NOT_READ),
    case("H008", "pass"),
    case("H008", "warn", host__environment=BARE),
    case("H008", "pass", host__environment=SPARED),
    case("H008", "pass", host__environment={**BARE, "no_proxy": "*"}),
    case("H008", "unknown", host__environment=NOT_READ),
    case("H009", "pass"),
    case("H009", "note", host__modules=frozenset({"nouveau", "nvidia"})),
    case("H009", "fail", host__modules=frozenset({"nouveau"})),
    case("H009", "unknown", host__modules=NOT_READ),
    case("H010", "pass"),
    case("H010", "warn", host__disks__work=disk(files_free=9)),
    case("H010", "unknown", host__disks__work=NOT_READ),
    case("H010", "skip", host__disks={"work": disk(files=0, files_free=0)}),
    case("H011", "pass"),
    case("H011", "warn", host__kernel_log=("Out of memory: Killed process 77 (cc1plus) total-vm:1kB",)),
    case("H011", "unknown", host__kernel_log=NOT_READ),
    case("H012", "pass"),
    case("H012", "fail-closed", host__disks__work=disk("/srv", writable=False)),
    case("H012", "pass", host__disks__cache=disk("/root", writable=False), host__disks__work=disk(writable=True)),
    case("H012", "warn", host__kernel_log=("EXT4-fs error (device sda1): ext4_find_entry",)),
    case("H012", "pass", host__kernel_log=NOT_READ),
    case("H012", "fail", host__disks__work=disk("/ro", readonly=True)),
    case("H012", "unknown", host__disks__cache=NOT_READ),
    case("H013", "pass"),
    case("H013", "note", host__limits__uid=0),
    case("H013", "unknown", host__limits=NOT_READ),
]


def test_one_that_was_killed_is_counted_once_and_named() -> None:
    said = (
        "Out of memory: Kill process 77 (cc1plus) score 900 or sacrifice child",  # Linux before 5.3
        "Out of memory: Killed process 77 (cc1plus) total-vm:9kB, anon-rss:8kB, file-rss:0kB, UID:0 oom_score_adj:0",
        "Memory cgroup out of memory: Killed process 78 (python3 (main)) total-vm:1kB, anon-rss:1kB",
    )
    found = out_of_memory(changed(WELL, {"host__kernel_log": said}))
    assert found.data == {"count": 2, "process": "78", "program": "python3 (main)"}


def test_a_cache_that_may_not_be_written_is_not_said_to_take_writes() -> None:
    subject = changed(WELL, {"host__disks__cache": disk("/root", writable=False), "host__disks__work": disk("/srv")})
    assert read_only(subject).data["paths"] == ["/srv", "/"]
