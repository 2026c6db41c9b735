"""What is kept of other people's containers: how those that run Triton were started, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doctor.facts.docker import Container, ServerContainer, parse
from doctor.facts.readings import Reading
from doctor.probes.docker import probes
from doctor.probes.taking import take
from environment.image_layout import MADE_BY

FAKE = """#!/bin/sh
case "$1 $2" in
  "info --format") echo '{{"ServerVersion": "26.1.5"}}';;
  "version --format") echo '{{}}';;
  "ps --all") cat {listed};;
  "container inspect") test "$3 $4" = "b " && cat {rows};;
  *) echo "not told: $*" >&2; exit 9;;
esac
"""
SILENT = """#!/bin/sh
test "$1" = info || {{ echo "asked again: $*" >>{asked}; exit 9; }}
echo '{{"ServerVersion": "", "ServerErrors": ["permission denied"]}}'
"""


def listed(number: str, name: str, command: str, labels: str = "") -> str:
    return json.dumps(
        {"ID": number, "Names": name, "Image": "i", "State": "exited", "Command": command, "Labels": labels}
    )


def row(name: str, *argv: str) -> dict[str, object]:
    host = {"NetworkMode": "host", "IpcMode": "private", "Binds": ["/home/somebody:/secret"]}
    return {
        "Name": f"/{name}",
        "Path": argv[0],
        "Args": argv[1:],
        "HostConfig": host,
        "Config": {"Env": ["A=secret"], "User": "1000"},
    }


def readings_of(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Reading]:
    (folder / "docker").write_text(program)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return take(probes())


def test_only_triton_and_our_containers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, lines = tmp_path / "rows.json", tmp_path / "lines"
    lines.write_text(
        "\n".join(
            [
                listed("a", "db", '"postgres -c secret"'),
                listed("b", "t", '"mpirun tritonserver"', "maintainer=x"),
                listed("c", "ours", '"true"', f"a=b,{MADE_BY}=serve"),
            ]
        )
    )
    rows.write_text(json.dumps([row("t", "mpirun", "tritonserver")]))
    readings = readings_of(FAKE.format(rows=rows, listed=lines), tmp_path, monkeypatch)
    found = parse(readings)
    assert found.servers == (
        ServerContainer(
            name="t", command=("mpirun", "tritonserver"), network="host", ipc="private", user="1000", powers=()
        ),
    )
    assert found.containers == (Container(name="ours", image="i", state="exited"),)
    assert not any("secret" in taken.text for taken in readings.values())


@pytest.mark.parametrize(
    ("changes", "powers"),
    [
        ({"HostConfig": {"Privileged": True}}, ("privileged",)),
        ({"HostConfig": {"Binds": ["/run/user/7/docker.sock:/s:ro"]}}, ("docker.sock",)),
        ({"HostConfig": {"Binds": None}, "Mounts": [{"Source": "/var/run/docker.sock"}]}, ("docker.sock",)),
        ({"HostConfig": {"Binds": ["/srv/docker.socket:/s"], "Privileged": False}}, ()),
    ],
)
def test_what_makes_a_container_the_hosts_master_is_kept(
    changes: dict[str, Any], powers: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, lines = tmp_path / "rows.json", tmp_path / "lines"
    lines.write_text(listed("b", "t", '"tritonserver"'))
    plain = row("t", "tritonserver")
    host = {"NetworkMode": "bridge", "IpcMode": "private", **changes["HostConfig"]}
    rows.write_text(json.dumps([{**plain, **changes, "HostConfig": host}]))
    found = parse(readings_of(FAKE.format(rows=rows, listed=lines), tmp_path, monkeypatch)).servers
    assert isinstance(found, tuple)
    assert [each.powers for each in found] == [powers]


def test_an_engine_that_does_not_answer_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = readings_of(SILENT.format(asked=tmp_path / "asked"), tmp_path, monkeypatch)
    assert not (tmp_path / "asked").exists()
    assert parse(readings).engine == "refused"
    assert readings["docker/servers"].status == readings["docker/containers"].status == "failed"
