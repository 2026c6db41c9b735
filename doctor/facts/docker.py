"""What Docker's readings say. Pure. Whether the engine answers is a fact of its own, apart from what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from doctor.facts.readings import Readings, Said, reading, record, text, why
from environment.data import Value
from environment.unknown import Unknown, then

T = TypeVar("T")
Engine = Literal["up", "missing", "refused", "down", "hung"]
SERVERS = "docker/servers"
REFUSED = re.compile(r"permission denied", re.IGNORECASE)
WORDLESS = re.compile(r"docker ended with -?\d+")  # a client that was killed says nothing of the engine


class Container(Value, frozen=True, kw_only=True):
    """A container of ours: its name, image and state (`running`, `exited`, ...)."""

    name: str
    image: str
    state: str


class ServerContainer(Said, frozen=True, kw_only=True):
    """Anybody's container that runs Triton: its main process, its user, and whose network and shared memory it has.

    `user` is "" for the image's own; `root_may_mpi`: its environment lets root start MPI; `powers`: what makes it the
    host's master, `privileged` and `docker.sock`. None: an older version's.
    """

    name: str
    command: tuple[str, ...]
    network: str
    ipc: str
    user: str | None = None
    root_may_mpi: bool = False
    powers: tuple[str, ...] | None = None


class Docker(Value, frozen=True, kw_only=True):
    """The engine and its client. `said` is what the client printed when the engine did not answer.

    `servers` is None where nobody looked at the containers.
    """

    engine: Engine
    said: str
    version: str | Unknown
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


class _Named(Said, frozen=True, kw_only=True):
    Name: str = ""
    Version: str = ""


class _Client(Said, frozen=True, kw_only=True):
    Plugins: tuple[_Named, ...] | None = None


class _Info(Said, frozen=True, kw_only=True):
    """`docker info`: the client answers with its own half when the engine is silent."""

    ServerVersion: str | None = None
    DockerRootDir: str | None = None
    Driver: str | None = None
    CgroupDriver: str | None = None
    Runtimes: dict[str, object] | None = None
    SecurityOptions: tuple[str, ...] | None = None
    ServerErrors: tuple[str, ...] | None = None
    ClientInfo: _Client | None = None


class _Server(Said, frozen=True, kw_only=True):
    Components: tuple[_Named, ...] | None = None


class _Version(Said, frozen=True, kw_only=True):
    """`docker version`."""

    Server: _Server | None = None


class _Listed(Said, frozen=True, kw_only=True):
    """A line of `docker ps`."""

    Names: str = ""
    Image: str = ""
    State: str = ""


def parse(readings: Readings) -> Docker:
    """Everything known of Docker here."""
    engine, said = _engine(readings)
    client = _lenient(readings, "docker/info", _Info)
    info = client if engine == "up" else Unknown(f"the Docker engine does not answer: {said}")
    return Docker(
        engine=engine,
        said=said,
        version=then(info, lambda words: _word(words.ServerVersion, "version")),
        root=then(info, lambda words: _word(words.DockerRootDir, "data root")),
        storage=then(info, lambda words: _word(words.Driver, "storage driver")),
        runtimes=then(info, lambda words: tuple(sorted(words.Runtimes or {}))),
        cgroup_driver=then(info, lambda words: _word(words.CgroupDriver, "cgroup driver")),
        rootless=then(info, lambda words: any("rootless" in row for row in words.SecurityOptions or ())),
        buildx=then(client, _buildx),
        components=then(_lenient(readings, "docker/version", _Version), _components),
        containers=then(text(readings, "docker/containers"), _containers),
        plain_logins=record(readings, "docker/logins", tuple[str, ...]),
        servers=record(readings, SERVERS, tuple[ServerContainer, ...]) if SERVERS in readings else None,
    )


def _engine(readings: Readings) -> tuple[Engine, str]:
    """Whether the engine answers, and the client's own words when it does not."""
    taken = reading(readings, "docker/info")
    if taken.status == "absent":
        return "missing", taken.reason
    if taken.status == "timeout" or "docker/info" not in readings or WORDLESS.fullmatch(taken.reason):
        return "hung", taken.reason
    info = _lenient(readings, "docker/info", _Info)
    errors = () if isinstance(info, Unknown) else info.ServerErrors or ()
    said = "; ".join(errors) or taken.reason
    if not errors and taken.status == "read":
        return "up", ""
    return ("refused" if REFUSED.search(said) else "down"), said.strip()


def _lenient(readings: Readings, name: str, kind: type[T]) -> T | Unknown:
    """A JSON object even of a command that failed: the client prints its own half without the engine."""
    taken = reading(readings, name)
    start = taken.text.find("{")  # warnings may come first
    if start < 0:
        return Unknown(why(name, taken))
    try:
        return msgspec.json.decode(taken.text[start:], type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Unknown(f"{name} is not what it should be: {error}")


def _word(said: str | None, what: str) -> str | Unknown:
    return said or Unknown(f"Docker does not say its {what}")


def _buildx(info: _Info) -> str | None:
    """The version of the buildx plugin; None when the client has none."""
    plugins = (info.ClientInfo or _Client()).Plugins or ()
    return next((plugin.Version for plugin in plugins if plugin.Name == "buildx"), None)


def _components(version: _Version) -> Mapping[str, str] | Unknown:
    """Version by component: `Engine`, `containerd`, `runc`."""
    rows = (version.Server or _Server()).Components
    if not rows:
        return Unknown("the Docker engine does not say its components")
    return {row.Name: row.Version for row in rows}


def _containers(lines: str) -> tuple[Container, ...] | Unknown:
    try:
        rows = [msgspec.json.decode(line, type=_Listed) for line in lines.splitlines() if line.startswith("{")]
    except (msgspec.MsgspecError, RecursionError) as error:
        return Unknown(f"docker ps did not answer in JSON: {error}")
    return tuple(Container(name=row.Names, image=row.Image, state=row.State) for row in rows)
