"""What the checks say of how Triton's containers were started, case by case."""

from __future__ import annotations

from msgspec.structs import replace

from doctor.facts.docker import ServerContainer
from tests.doctor.well import NOT_READ, case

LAUNCH = ("python3", "/scripts/launch_triton_server.py", "--world_size=1")


def started(*command: str, **fields: object) -> dict[str, object]:
    plain = ServerContainer(name="triton", command=command, network="bridge", ipc="private", user="", powers=())
    return {"docker__servers": (replace(plain, **fields),)}


CASES = [
    case("S006", "pass"),
    case("S006", "pass", **started("mpirun", "-n", "1", "tritonserver")),
    case("S006", "pass", **started("bash", "-c", f"{' '.join(LAUNCH)} && sleep infinity")),
    case("S006", "fail", **started("/opt/nvidia/nvidia_entrypoint.sh", *LAUNCH)),
    case("S006", "fail", **started("bash", "-c", f"cd /app && {' '.join(LAUNCH)}")),
    case("S006", "skip", docker__servers=None),
    case("S006", "skip", docker__engine="down"),
    case("S006", "unknown", docker__servers=NOT_READ),
    case("S007", "pass"),
    case("S007", "pass", **started("tritonserver")),
    case("S007", "pass", **started("mpirun", "--allow-run-as-root", "-n", "1", "tritonserver")),
    case("S007", "pass", **started("mpirun", "-n", "1", "tritonserver", user="1000:1000")),
    case("S007", "pass", **started("mpirun", "-n", "1", "tritonserver", root_may_mpi=True)),
    case("S007", "fail", **started("mpirun", "-n", "1", "tritonserver")),
    case("S007", "fail", **started("bash", "-c", "/opt/hpcx/ompi/bin/mpirun -n 1 tritonserver", user="root")),
    case("S007", "fail", **started("mpirun", "-n", "1", "tritonserver", user="0:1000")),
    case("S007", "unknown", **started("mpirun", "-n", "1", "tritonserver", user=None)),
    case("S007", "unknown", docker__servers=NOT_READ),
    case("S011", "pass", **started("tritonserver")),
    case("S011", "note", **started("tritonserver", network="host")),
    case("S011", "note", **started("tritonserver", ipc="host")),
    case("S011", "unknown", docker__servers=NOT_READ),
    case("X015", "pass", **started("tritonserver")),
    case("X015", "fail", **started("tritonserver", powers=("privileged",))),
    case("X015", "fail", **started("mpirun", "-n", "1", "tritonserver", powers=("docker.sock",))),
    case("X015", "skip", docker__engine="down"),
    case("X015", "unknown", **started("tritonserver", powers=None)),
    case("X015", "unknown", docker__servers=NOT_READ),
]
