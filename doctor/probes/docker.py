"""Readings of Docker through its own command line, which follows contexts and DOCKER_HOST as the person's does."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from doctor.facts.readings import Reading
from doctor.probes.host import disk
from doctor.probes.sources import run_command
from doctor.probes.taking import Probe, Taken

LABEL = "trtllm-home"  # every container of ours carries it
DEADLINE = 6.0
COMMANDS = {
    "docker/version": ("docker", "version", "--format", "{{json .}}"),
    "docker/containers": (
        "docker", "ps", "--all", "--no-trunc", "--size=false", "--filter", f"label={LABEL}", "--format", "{{json .}}",
    ),
}  # fmt: skip


def probes() -> tuple[Probe, ...]:
    """What the engine says of itself, its disk, and the containers of ours it holds."""
    return (
        Probe(gives=("docker/info", "disk/docker"), read=_info, deadline=DEADLINE),
        *(Probe(gives=(name,), read=partial(_command, name), deadline=DEADLINE) for name in COMMANDS),
        Probe(gives=("docker/logins",), read=_logins, deadline=2),
    )


def _command(name: str) -> Taken:
    yield name, run_command(*COMMANDS[name])


def _info() -> Taken:
    """`docker info`, and then the disk under the engine's data root when that lies on this host."""
    info = run_command("docker", "info", "--format", "{{json .}}")
    yield "docker/info", info
    try:
        root = msgspec.json.decode(info.text, type=dict[str, object]).get("DockerRootDir") or ""
    except msgspec.MsgspecError:
        root = ""
    if isinstance(root, str) and Path(root).is_dir():
        yield from disk("docker", Path(root)).read()
    else:
        yield "disk/docker", Reading(status="absent", reason="the engine names no data root on this host")


def _logins() -> Taken:
    """Which registries have a password lying in plain text in the client's configuration; never the password."""
    try:
        config = msgspec.json.decode((Path.home() / ".docker/config.json").read_bytes())
        plain = [name for name, entry in config.get("auths", {}).items() if entry.get("auth")]
        yield "docker/logins", Reading(text=msgspec.json.encode(plain).decode())
    except FileNotFoundError:
        yield "docker/logins", Reading(text="[]")
