"""What the checks of family D say, case by case."""

from __future__ import annotations

from tests.doctor.well import NOT_READ, case

CASES = [
    case("D001", "pass"),
    case("D001", "fail-missing", docker__engine="missing", docker__said="no program docker on PATH"),
    case("D001", "fail-refused", docker__engine="refused", docker__said="permission denied"),
    case("D001", "fail-down", docker__engine="down", docker__said="Cannot connect to the Docker daemon"),
    case("D001", "unknown", docker__engine="hung", docker__said="no answer within 6 s"),
    case("D004", "pass"),
    case("D004", "pass-cdi", docker__runtimes=("runc",), host__devices__cdi=("/etc/cdi/nvidia.yaml",)),
    case("D004", "fail", docker__runtimes=("runc",)),
    case("D004", "skip", docker__engine="down"),
    case("D004", "unknown", docker__runtimes=NOT_READ),
]
