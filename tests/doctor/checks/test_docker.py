"""What the checks of family D say, case by case."""

from __future__ import annotations

from doctor.facts.docker import Container
from environment.releases import find
from tests.doctor.well import NOT_READ, case

DOWN = {"docker__engine": "down"}
LOOSE = {"disable-require": True, "no-cgroups": False}
ENDED = (Container(name="qwen2", image="x", state="exited"),)

CASES = [
    case("D001", "pass"),
    case("D001", "fail-missing", docker__engine="missing", docker__said="no program docker on PATH"),
    case("D001", "fail-refused", docker__engine="refused", docker__said="permission denied"),
    case("D001", "fail-down", docker__engine="down", docker__said="Cannot connect to the Docker daemon"),
    case("D001", "fail-elsewhere", **DOWN, host__environment={"DOCKER_HOST": "tcp://127.0.0.1:1"}),
    case("D001", "fail-elsewhere", **DOWN, host__environment={"DOCKER_CONTEXT": "far"}),
    case("D001", "fail-down", **DOWN, host__environment={"DOCKER_HOST": "unix:///var/run/docker.sock"}),
    case("D001", "fail-down", **DOWN, host__environment=NOT_READ),
    case("D001", "unknown", docker__engine="hung", docker__said="no answer within 6 s"),
    case("D002", "pass"),
    case("D002", "warn", docker__buildx=None),
    case("D002", "fail", docker__buildx=None, release=find("v1.0.0")),
    case("D002", "skip", docker__engine="missing"),
    case("D002", "unknown", docker__buildx=NOT_READ),
    case("D003", "pass"),
    case("D003", "fail", host__tools={"nvidia-ctk": None}),
    case("D003", "unknown", host__tools={"nvidia-ctk": NOT_READ}),
    case("D004", "pass"),
    case("D004", "pass-cdi", docker__runtimes=("runc",), host__devices__cdi=("/etc/cdi/nvidia.yaml",)),
    case("D004", "fail", docker__runtimes=("runc",)),
    case("D004", "skip", **DOWN),
    case("D004", "unknown", docker__runtimes=NOT_READ),
    case("D005", "pass"),
    case("D005", "fail", docker__root="/var/snap/docker/common/var-lib-docker"),
    case("D005", "unknown", docker__root=NOT_READ),
    case("D006", "pass"),
    case("D006", "warn", docker__cgroup_driver="systemd", host__devices__links=()),
    case("D006", "pass", docker__cgroup_driver="systemd", host__devices__links=(), host__devices__cdi=("/etc/cdi/a",)),
    case("D006", "skip", host__devices__nvidia=()),
    case("D006", "unknown", docker__cgroup_driver=NOT_READ),
    case("D007", "pass"),
    case("D007", "warn", host__toolkit_settings=LOOSE),
    case("D007", "fail", host__toolkit_settings={"no-cgroups": True}),
    case("D007", "pass", host__toolkit_settings={"no-cgroups": True}, docker__rootless=True),
    case("D007", "skip", host__toolkit_settings=None),
    case("D007", "unknown", host__toolkit_settings=NOT_READ),
    case("D008", "pass"),
    case("D008", "note", docker__storage="windowsfilter"),
    case("D008", "warn", docker__storage="vfs"),
    case("D008", "unknown", docker__storage=NOT_READ),
    case("D011", "pass"),
    case("D011", "note", host__environment={"NVIDIA_DISABLE_REQUIRE": "1"}),
    case("D011", "unknown", host__environment=NOT_READ),
    case("D012", "pass"),
    case("D012", "note", docker__containers=ENDED),
    case("D012", "unknown", docker__containers=NOT_READ),
    case("D013", "pass"),
    case("D013", "fail", docker__version="18.09.1"),
    case("D013", "unknown", docker__version=NOT_READ),
]
