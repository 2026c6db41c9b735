"""What the checks of family X say, case by case."""

from __future__ import annotations

from msgspec.structs import replace

from doctor.advisories import advisories
from environment.releases import find
from tests.doctor.well import NOT_READ, WELL, case, disk

NONE = replace(advisories(), bulletin=())
FRESH = {"Engine": "28.5.2", "runc": "1.3.3"}


def toolkit(version: str) -> dict[str, object]:
    return {"host__tools": {"nvidia-ctk": f"NVIDIA Container Toolkit CLI version {version}\ncommit: 9"}}


def day(when: str) -> dict[str, object]:
    return {"host__system": replace(WELL.host.system, day=when)}


CASES = [
    case("X001", "warn"),
    case("X001", "fail", asked__exposed=True),
    case("X001", "pass", advisories=NONE),
    case("X001", "unknown", image__probe=NOT_READ),
    case("X001", "skip", image=None, release=find("v0.18.1")),
    case("X002", "warn"),
    case("X002", "pass", advisories=NONE),
    case("X002", "unknown", image__probe=NOT_READ),
    case("X002", "skip", image__probe__packages={}),
    case("X003", "pass"),
    case("X003", "warn", asked__exposed=True),
    case("X003", "fail", host__ports={8001: True}),
    case("X003", "pass", host__ports={8001: False}),
    case("X003", "unknown", host__ports=NOT_READ),
    case("X005", "pass"),
    case("X005", "warn", **toolkit("1.18.0")),
    case("X005", "fail", **toolkit("1.17.4")),
    case("X005", "skip", host__tools={"nvidia-ctk": None}),
    case("X005", "unknown", host__tools={"nvidia-ctk": NOT_READ}),
    case("X007", "pass"),
    case("X007", "fail", host__disks__work=disk(world_writable=True)),
    case("X007", "pass", host__disks__work=disk(world_writable=True, sticky=True)),
    case("X007", "fail-repository", artifacts__open_repository=("tensorrt_llm/config.pbtxt",)),
    case("X007", "unknown", host__disks__work=NOT_READ),
    case("X007", "unknown", artifacts__open_repository=NOT_READ),
    case("X009", "pass", gpus__driver="580.159.04"),
    case("X009", "note", gpus__driver="550.163.01"),
    case("X009", "warn"),
    case("X009", "warn-branch", gpus__driver="515.105.01"),
    case("X009", "unknown", gpus__driver="600.10"),
    case("X009", "unknown", gpus__driver=NOT_READ, host__module_driver=NOT_READ),
    case("X010", "pass"),
    case("X010", "warn", docker__components={**FRESH, "runc": "1.2.5"}),
    case("X010", "pass", docker__components={**FRESH, "runc": "1.2.8"}),
    case("X010", "warn", docker__components={**FRESH, "runc": "1.3.2"}),
    case("X010", "warn", docker__components={**FRESH, "Engine": "24.0.9"}),
    case("X010", "unknown", docker__components=NOT_READ),
    case("X011", "note"),
    case("X011", "pass", **day("2026-09-01")),
    case("X011", "unknown", host__system=NOT_READ),
    case("X012", "pass"),
    case("X012", "note", docker__plain_logins=("nvcr.io",)),
    case("X012", "unknown", docker__plain_logins=NOT_READ),
]
