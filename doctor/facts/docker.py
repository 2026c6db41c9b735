"""What Docker's readings say. Pure. Whether the engine answers is a fact of its own, apart from what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from doctor.facts.readings import Readings, Said, reading, record, text, why
from environment.data import Value
from environment.unknown import Unknown, then

Engine = Literal["up", "missing", "refused", "down", "hung"]
SERVERS = "docker/servers"
REFUSED = re.compile(r"permission denied", re.IGNORECASE)


class Container(Value, frozen=True, kw_only=True):
    """A container of ours: its name, image and state (`running`, `exited`, ...)."""

    name: str
    image: str
    state: str


class ServerContainer(Said, frozen=True, kw_only=True):
    """Anybody's container that runs Triton: its main process, and whose network and shared memory it has."""

    name: str
    command: tuple[str, ...]
    network: str
    ipc: str


class Docker(Value, frozen=True, kw_only=True):
    """The engine and its client. `said` is what the client printed when the engine did not answer.

    `servers` is None where nobody looked at the containers.
    """

    engine: Engine
    said: str
    version: str | Unknown
    client: str | Unknown
    root: str | Unknown
    storage: str | Unknown
    runtimes: tuple[str, ...] | Unknown
    cgroup_driver: str | Unknown
    rootless: bool | Unknown
    buildx: str | Unknown | None
    components: Mapping[str, str] | Unknown
    containers: tuple[Container, ...] | Unknown
    plain_logins: tuple[str, ...] | Unknown
    servers: tuple[ServerContainer, ...] | Unknown | None = None


def parse(readings: Readings) -> Docker:
    """Everything known of Docker here."""
    info = _info(readings)
    engine, said = _engine(readings)
    return Docker(
        engine=engine,
        said=said,
        version=then(info, lambda words: _word(words, "ServerVersion")),
        client=then(_lenient(readings, "docker/version"), lambda words: _word(words.get("Client") or {}, "Version")),
        root=then(info, lambda words: _word(words, "DockerRootDir")),
        storage=then(info, lambda words: _word(words, "Driver")),
        runtimes=then(info, lambda words: tuple(sorted(words.get("Runtimes") or {}))),
        cgroup_driver=then(info, lambda words: _word(words, "CgroupDriver")),
        rootless=then(info, lambda words: any("rootless" in str(row) for row in words.get("SecurityOptions") or ())),
        buildx=then(_lenient(readings, "docker/info"), _buildx),
        components=then(_lenient(readings, "docker/version"), _components),
        containers=then(text(readings, "docker/containers"), _containers),
        plain_logins=record(readings, "docker/logins", tuple[str, ...]),
        servers=record(readings, SERVERS, tuple[ServerContainer, ...]) if SERVERS in readings else None,
    )


def _engine(readings: Readings) -> tuple[Engine, str]:
    """Whether the engine answers, and the client's own words when it does not."""
    taken = reading(readings, "docker/info")
    if taken.status == "absent":
        return "missing", taken.reason
    if taken.status == "timeout":
        return "hung", taken.reason
    info = _lenient(readings, "docker/info")
    errors = [] if isinstance(info, Unknown) else [str(error) for error in info.get("ServerErrors") or ()]
    said = "; ".join(errors) or taken.reason
    if not errors and taken.status == "read":
        return "up", ""
    return ("refused" if REFUSED.search(said) else "down"), said.strip()


def _info(readings: Readings) -> dict[str, Any] | Unknown:
    """What the engine said of itself; the client's half alone is no answer."""
    engine, said = _engine(readings)
    return (
        _lenient(readings, "docker/info") if engine == "up" else Unknown(f"the Docker engine does not answer: {said}")
    )


def _lenient(readings: Readings, name: str) -> dict[str, Any] | Unknown:
    """A JSON object even of a command that failed: the client prints its own half without the engine."""
    taken = reading(readings, name)
    start = taken.text.find("{")  # warnings may come first
    if start < 0:
        return Unknown(why(name, taken))
    try:
        return msgspec.json.decode(taken.text[start:], type=dict[str, Any])
    except msgspec.MsgspecError as error:
        return Unknown(f"{name} is not a JSON object: {error}")


def _word(said: Mapping[str, Any], name: str) -> str | Unknown:
    value = said.get(name)
    return value if isinstance(value, str) and value else Unknown(f"Docker does not say its {name}")


def _buildx(info: Mapping[str, Any]) -> str | None:
    """The version of the buildx plugin; None when the client has none."""
    plugins = (info.get("ClientInfo") or {}).get("Plugins") or ()
    return next((str(plugin.get("Version")) for plugin in plugins if plugin.get("Name") == "buildx"), None)


def _components(version: Mapping[str, Any]) -> Mapping[str, str] | Unknown:
    """Version by component: `Engine`, `containerd`, `runc`."""
    rows = (version.get("Server") or {}).get("Components")
    if not rows:
        return Unknown("the Docker engine does not say its components")
    return {str(row.get("Name")): str(row.get("Version")) for row in rows}


def _containers(lines: str) -> tuple[Container, ...] | Unknown:
    try:
        rows = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines.splitlines() if line.startswith("{")]
    except msgspec.MsgspecError as error:
        return Unknown(f"docker ps did not answer in JSON: {error}")
    return tuple(
        Container(name=str(row.get("Names")), image=str(row.get("Image")), state=str(row.get("State"))) for row in rows
    )
