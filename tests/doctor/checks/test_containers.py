"""What the checks say of how Triton's containers were started, case by case."""

from __future__ import annotations

from doctor.facts.docker import ServerContainer
from tests.doctor.well import NOT_READ, case

LAUNCH = ("python3", "/scripts/launch_triton_server.py", "--world_size=1")


def started(*command: str, network: str = "bridge", ipc: str = "private") -> dict[str, object]:
    return {"docker__servers": (ServerContainer(name="triton", command=command, network=network, ipc=ipc),)}


CASES = [
    case("S006", "pass"),
    case("S006", "pass", **started("mpirun", "-n", "1", "tritonserver")),
    case("S006", "pass", **started("bash", "-c", f"{' '.join(LAUNCH)} && sleep infinity")),
    case("S006", "fail", **started("/opt/nvidia/nvidia_entrypoint.sh", *LAUNCH)),
    case("S006", "fail", **started("bash", "-c", f"cd /app && {' '.join(LAUNCH)}")),
    case("S006", "skip", docker__servers=None),
    case("S006", "skip", docker__engine="down"),
    case("S006", "unknown", docker__servers=NOT_READ),
    case("S011", "pass", **started("tritonserver")),
    case("S011", "note", **started("tritonserver", network="host")),
    case("S011", "note", **started("tritonserver", ipc="host")),
    case("S011", "unknown", docker__servers=NOT_READ),
]
