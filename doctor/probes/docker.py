"""Readings of Docker through its own command line, which follows contexts and DOCKER_HOST as the person's does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading
from doctor.probes.host import disk
from doctor.probes.sources import run_command, run_commands
from doctor.probes.taking import Probe, Taken
from environment.home import home
from environment.image_layout import MADE_BY

DEADLINE = 6.0
MOST_CONTAINERS = 200
TRITON = ("tritonserver", "launch_triton_server")
KEPT = (  # what checks read; the rest tells of the host's name, addresses and registries, which are nobody's business
    *("ServerVersion", "DockerRootDir", "Driver", "Runtimes", "DefaultRuntime", "CgroupDriver", "CgroupVersion"),
    *("SecurityOptions", "ClientInfo", "ServerErrors", "OperatingSystem", "KernelVersion", "Architecture", "Warnings"),
)
INFO = ("docker", "info", "--format", "{{json .}}")
VERSION = ("docker", "version", "--format", "{{json .}}")
LIST = ("docker", "ps", "--all", "--no-trunc", "--size=false", "--format", "{{json .}}")
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}  # both, or mpirun refuses root
LATER = ("docker/version", "docker/containers", "docker/servers")  # asked of an engine that answers


def probes() -> tuple[Probe, ...]:
    """What the engine says of itself, its disk, and the containers it holds; the client's own configuration."""
    return (
        Probe(gives=("docker/info", "disk/docker", *LATER), read=_engine, deadline=DEADLINE),
        Probe(gives=("docker/logins",), read=_logins, deadline=2),
    )


def _engine() -> Taken:
    """`docker info`, and then the disk under its data root when that lies on this host, and what the engine holds."""
    info = run_command(*INFO)
    said = _object(info.text)
    if said:
        kept = {name: value for name, value in said.items() if name in KEPT}
        info = replace(info, text=msgspec.json.encode(kept).decode())
    yield "docker/info", info
    root = said.get("DockerRootDir")
    if isinstance(root, str) and root and Path(root).is_dir():
        yield from disk("docker", Path(root)).read()
    else:
        yield "disk/docker", Reading(status="absent", reason="the engine names no data root on this host")
    if said.get("ServerVersion"):
        yield from _holdings()
    else:
        silent = Reading(status="failed" if info.status == "read" else info.status, reason=info.reason)
        yield from ((name, silent) for name in LATER)


def _holdings() -> Taken:
    """The engine's parts; our containers; how those that run Triton were started. Of all others nothing is kept."""
    version, listed = run_commands(VERSION, LIST)
    rows = [_object(line) for line in listed.text.splitlines()]
    ours = [row for row in rows if MADE_BY in str(row.get("Labels"))]
    lines = "\n".join(msgspec.json.encode(row).decode() for row in ours)
    yield "docker/version", version
    yield "docker/containers", replace(listed, text=lines)
    servers = [str(row.get("ID")) for row in rows if any(word in str(row.get("Command")) for word in TRITON)]
    yield (
        "docker/servers",
        _servers(servers[:MOST_CONTAINERS]) if servers else replace(listed, text="[]"),
    )


def _servers(numbers: list[str]) -> Reading:
    said = run_command("docker", "container", "inspect", *numbers)
    rows = msgspec.json.decode(said.text, type=list[dict[str, Any]])
    return replace(said, text=msgspec.json.encode([_server(row) for row in rows]).decode())


def _server(row: dict[str, Any]) -> dict[str, object]:
    host = row["HostConfig"]
    return {
        "name": row["Name"].lstrip("/"),
        "command": [row["Path"], *row["Args"]],
        "network": host["NetworkMode"],
        "ipc": host["IpcMode"],
        "user": row["Config"]["User"],
        "powers": _powers(row),
        "root_may_mpi": {word.partition("=")[0] for word in row["Config"]["Env"] or ()} >= ROOT_MAY,
    }


def _powers(row: dict[str, Any]) -> list[str]:
    """What lets a container take over the host: all of its devices and rights, or the engine's own socket."""
    held = [str(mount.get("Source")) for mount in row.get("Mounts") or ()]
    held += [bind.partition(":")[0] for bind in row["HostConfig"].get("Binds") or ()]
    has = {"privileged": bool(row["HostConfig"].get("Privileged")), "docker.sock": any(map(_is_engine, held))}
    return [name for name, there in has.items() if there]


def _is_engine(source: str) -> bool:
    return source.rpartition("/")[2] == "docker.sock"


def _object(text: str) -> dict[str, object]:
    """The JSON object in a text that may begin with warnings; empty when there is none."""
    try:
        return msgspec.json.decode(text[max(text.find("{"), 0) :], type=dict[str, object])
    except msgspec.MsgspecError:
        return {}


def _logins() -> Taken:
    """Which registries have a password lying in plain text in the client's configuration; never the password."""
    try:
        config = msgspec.json.decode((home() / ".docker/config.json").read_bytes())
        plain = [name for name, entry in config.get("auths", {}).items() if entry.get("auth")]
        yield "docker/logins", Reading(text=msgspec.json.encode(plain).decode())
    except FileNotFoundError:
        yield "docker/logins", Reading(text="[]")
