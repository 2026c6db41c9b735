"""What the checks of family S say, case by case."""

from __future__ import annotations

from doctor.facts.host import Process, Server
from tests.doctor.well import NOT_READ, case, disk

TRITON = Process(pid=7, name="tritonserver", argv=("tritonserver",))
NAMED = Process(pid=8, name="tritonserver", argv=("tritonserver", "--backend-config=python,shm-region-prefix-name=a"))
TWO = {"asked__gpus": 2}

CASES = [
    case("S001", "pass"),
    case("S001", "fail", host__ports={8001: False}),
    case("S001", "fail", host__ports={8000: True}, host__servers=NOT_READ),
    case("S001", "unknown", host__ports=NOT_READ),
    case("S002", "pass"),
    case("S002", "warn", host__servers=(TRITON,)),
    case("S002", "unknown", host__servers=NOT_READ),
    case("S003", "pass"),
    case("S003", "warn", host__disks__shm=disk(total=64 << 20, free=64 << 20)),
    case("S003", "fail", **TWO, host__disks__shm=disk(total=64 << 20, free=64 << 20)),
    case("S003", "unknown", host__disks__shm=NOT_READ),
    case("S003", "skip", host__disks={}),
    case("S004", "pass"),
    case("S004", "warn", docker__rootless=True, host__limits__memlock=65536),
    case("S004", "pass", docker__rootless=True),
    case("S004", "unknown", docker__rootless=NOT_READ),
    case("S005", "pass", host__servers=(TRITON, NAMED)),
    case("S005", "warn", host__servers=(TRITON, TRITON)),
    case("S005", "unknown", host__servers=NOT_READ),
    case("S008", "pass"),
    case("S008", "warn", asked__gpus=64),
    case("S008", "unknown", host__system=NOT_READ),
    case("S009", "pass", host__server=Server(port=8000, status=200)),
    case("S009", "warn", host__server=Server(port=8000, status=400)),
    case("S009", "warn-stranger", host__server=Server(port=8000, status=0)),
    case("S009", "skip"),
    case("S009", "unknown", host__server=NOT_READ),
    case("S012", "pass"),
    case("S012", "warn", host__environment={"SLURM_JOB_ID": "1"}),
    case("S012", "unknown", host__environment=NOT_READ),
]
