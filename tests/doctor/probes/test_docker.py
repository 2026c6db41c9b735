"""What is kept of other people's containers: how those that run Triton were started, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doctor.facts.docker import ServerContainer, parse
from doctor.probes.docker import probes
from doctor.probes.taking import take

FAKE = """#!/bin/sh
case "$1 $2" in
  "ps --all") test "$3" = --quiet && printf 'a\\nb\\n';;
  "container inspect") test "$3 $4" = "a b" && cat {rows};;
  *) echo "not told: $*" >&2; exit 9;;
esac
"""


def row(name: str, *argv: str) -> dict[str, object]:
    host = {"NetworkMode": "host", "IpcMode": "private", "Binds": ["/home/somebody:/secret"]}
    return {"Name": f"/{name}", "Path": argv[0], "Args": argv[1:], "HostConfig": host, "Config": {"Env": ["A=secret"]}}


def test_only_triton_containers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, program = tmp_path / "rows.json", tmp_path / "docker"
    rows.write_text(json.dumps([row("db", "postgres", "-c", "secret"), row("t", "mpirun", "tritonserver")]))
    program.write_text(FAKE.format(rows=rows))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    readings = take(tuple(probe for probe in probes() if probe.gives == ("docker/servers",)))
    server = ServerContainer(name="t", command=("mpirun", "tritonserver"), network="host", ipc="private")
    assert parse(readings).servers == (server,)
    assert "secret" not in readings["docker/servers"].text
