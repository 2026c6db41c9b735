"""Readings of Docker through its own command line, which follows contexts and DOCKER_HOST as the person's does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.host import disk
from doctor.probes.sources import run_command
from doctor.probes.taking import Probe, Taken
from environment.image_layout import MADE_BY

DEADLINE = 6.0
MOST_CONTAINERS = 200
TRITON = ("tritonserver", "launch_triton_server")
KEPT = (  # what checks read; the rest tells of the host's name, addresses and registries, which are nobody's business
    *("ServerVersion", "DockerRootDir", "Driver", "Runtimes", "DefaultRuntime", "CgroupDriver", "CgroupVersion"),
    *("SecurityOptions", "ClientInfo", "ServerErrors", "OperatingSystem", "KernelVersion", "Architecture", "Warnings"),
)
COMMANDS = {
    "docker/version": ("docker", "version", "--format", "{{json .}}"),
    "docker/containers": (
        "docker", "ps", "--all", "--no-trunc", "--size=false", "--filter", f"label={MADE_BY}", "--format", "{{json .}}",
    ),
}  # fmt: skip


def probes() -> tuple[Probe, ...]:
    """What the engine says of itself, its disk, and the containers of ours it holds."""
    return (
        Probe(gives=("docker/info", "disk/docker"), read=_info, deadline=DEADLINE),
        *(Probe(gives=(name,), read=partial(_command, name), deadline=DEADLINE) for name in COMMANDS),
        Probe(gives=("docker/servers",), read=_servers, deadline=DEADLINE),
        Probe(gives=("docker/logins",), read=_logins, deadline=2),
    )


def _command(name: str) -> Taken:
    yield name, run_command(*COMMANDS[name])


def _info() -> Taken:
    """`docker info`, and then the disk under the engine's data root when that lies on this host."""
    info = run_command("docker", "info", "--format", "{{json .}}")
    said = _object(info.text)
    if said:
        kept = {name: value for name, value in said.items() if name in KEPT}
        info = msgspec.structs.replace(info, text=msgspec.json.encode(kept).decode())
    yield "docker/info", info
    root = said.get("DockerRootDir")
    if isinstance(root, str) and root and Path(root).is_dir():
        yield from disk("docker", Path(root)).read()
    else:
        yield "disk/docker", Reading(status="absent", reason="the engine names no data root on this host")


def _servers() -> Taken:
    """How the containers that run Triton were started; of all others nothing is kept."""
    listed = run_command("docker", "ps", "--all", "--quiet", "--no-trunc")
    numbers = listed.text.split()[:MOST_CONTAINERS]
    if listed.status != "read" or not numbers:
        yield "docker/servers", msgspec.structs.replace(listed, text="[]")
        return
    said = run_command("docker", "container", "inspect", *numbers)
    rows = msgspec.json.decode(said.text, type=list[dict[str, Any]])
    kept = [_server(row) for row in rows if any(word in str(row["Args"]) + str(row["Path"]) for word in TRITON)]
    yield "docker/servers", msgspec.structs.replace(said, text=msgspec.json.encode(kept).decode())


def _server(row: dict[str, Any]) -> dict[str, object]:
    host = row["HostConfig"]
    return {
        "name": row["Name"].lstrip("/"),
        "command": [row["Path"], *row["Args"]],
        "network": host["NetworkMode"],
        "ipc": host["IpcMode"],
    }


def _object(text: str) -> dict[str, object]:
    """The JSON object in a text that may begin with warnings; empty when there is none."""
    try:
        return msgspec.json.decode(text[max(text.find("{"), 0) :], type=dict[str, object])
    except msgspec.MsgspecError:
        return {}


def _logins() -> Taken:
    """Which registries have a password lying in plain text in the client's configuration; never the password."""
    try:
        config = msgspec.json.decode((Path.home() / ".docker/config.json").read_bytes())
        plain = [name for name, entry in config.get("auths", {}).items() if entry.get("auth")]
        yield "docker/logins", Reading(text=msgspec.json.encode(plain).decode())
    except FileNotFoundError:
        yield "docker/logins", Reading(text="[]")
