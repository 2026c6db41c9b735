"""What the readings say of the host. Pure: readings in, frozen facts out, `Unknown` where they are silent."""

from __future__ import annotations

import re
from collections.abc import Mapping

from doctor.facts.readings import Readings, Said, reading, record, text
from environment.data import Value
from environment.unknown import Unknown, then

SWITCH = r"(?m)^\s*([\w-]+)\s*=\s*(true|false)\s*(?:#.*)?$"
LOOPBACK = re.compile(r"(?:0000000000000000FFFF0000)?[0-9A-F]{6}7F|0{24}01000000")  # 127.0.0.0/8 and ::1
TOOLS = ("nvidia-ctk", "git-lfs")
PLACE = re.compile(r"([0-9A-F]{8,32}):([0-9A-F]{4})")  # address and port
LISTEN = "0A"  # the state column of /proc/net/tcp


class Disk(Said, frozen=True, kw_only=True):
    """Room in the file system that holds `path`, in bytes and in files. `writable`: it is a folder into which whoever
    runs this may write; None from an older version.
    """

    path: str
    free: int
    total: int
    files: int
    files_free: int
    readonly: bool
    world_writable: bool
    sticky: bool
    writable: bool | None = None


class System(Said, frozen=True, kw_only=True):
    """What the kernel and this Python say they are; `day` is when the reading was taken, as 2026-11-21."""

    system: str
    release: str
    machine: str
    cpus: int
    python: str
    day: str


class Process(Said, frozen=True, kw_only=True):
    """A server found at work, with the first words of its command."""

    pid: int
    name: str
    argv: tuple[str, ...] = ()


class Limits(Said, frozen=True, kw_only=True):
    """`memlock` in bytes, -1 for unlimited; `uid` of whoever runs the doctor."""

    memlock: int
    uid: int


class Devices(Said, frozen=True, kw_only=True):
    """CDI specifications, the /dev/char links of NVIDIA's devices, and the device files themselves."""

    cdi: tuple[str, ...]
    links: tuple[str, ...]
    nvidia: tuple[str, ...]


class Server(Said, frozen=True, kw_only=True):
    """What answers on Triton's HTTP port: the status of /v2/health/ready, or 0 when it is no HTTP server."""

    port: int
    status: int


class Memory(Value, frozen=True, kw_only=True):
    """Bytes of main memory and swap."""

    total: int
    available: int
    swap: int


class Host(Value, frozen=True, kw_only=True):
    """One host. A field is `Unknown` when its reading was silent.

    `module_driver` is the version of the kernel's module; `ports` are those somebody listens on, and whether from
    beyond this host they can be reached.
    """

    system: System | Unknown
    distribution: str | Unknown
    memory: Memory | Unknown
    disks: Mapping[str, Disk | Unknown]
    file_systems: Mapping[str, str] | Unknown
    environment: Mapping[str, str] | Unknown
    modules: frozenset[str] | Unknown
    module_driver: str | Unknown | None
    kernel_log: tuple[str, ...] | Unknown
    ports: Mapping[int, bool] | Unknown
    servers: tuple[Process, ...] | Unknown
    limits: Limits | Unknown
    devices: Devices | Unknown
    tools: Mapping[str, str | Unknown | None]
    toolkit_settings: Mapping[str, bool] | Unknown | None
    server: Server | Unknown | None


def parse(readings: Readings) -> Host:
    """All facts of the host."""
    return Host(
        system=record(readings, "system", System),
        distribution=then(text(readings, "etc/os-release"), _distribution),
        memory=then(text(readings, "proc/meminfo"), _memory),
        disks={name[5:]: record(readings, name, Disk) for name in _there(readings, "disk/")},
        file_systems=then(text(readings, "proc/mounts"), _file_systems),
        environment=record(readings, "environment", dict[str, str]),
        modules=_modules(readings),
        module_driver=_module_driver(readings),
        kernel_log=then(text(readings, "kernel-log"), lambda words: tuple(words.splitlines())),
        ports=then(_sockets(readings), _ports),
        servers=record(readings, "processes", tuple[Process, ...]),
        limits=record(readings, "limits", Limits),
        devices=record(readings, "devices", Devices),
        tools={name: _tool(readings, f"tool/{name}") for name in TOOLS},
        toolkit_settings=_toolkit_settings(readings),
        server=record(readings, "triton", Server) if reading(readings, "triton").status != "absent" else None,
    )


def _distribution(words: str) -> str | Unknown:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', words, re.MULTILINE)
    return found.group(1) if found else Unknown("etc/os-release has no PRETTY_NAME")


def _memory(words: str) -> Memory | Unknown:
    sizes = {name: int(kib) << 10 for name, kib in re.findall(r"^(\w+):\s+(\d{1,15}) kB", words, re.MULTILINE)}
    try:
        return Memory(total=sizes["MemTotal"], available=sizes["MemAvailable"], swap=sizes["SwapTotal"])
    except KeyError as missing:
        return Unknown(f"proc/meminfo has no {missing.args[0]}")


def _file_systems(words: str) -> Mapping[str, str]:
    """Mount point -> type of file system."""
    rows = [line.split() for line in words.splitlines()]
    return {row[1]: row[2] for row in rows if len(row) >= 3}


def _modules(readings: Readings) -> frozenset[str] | Unknown:
    """Names of the loaded modules; none at all under a kernel that was built without modules."""
    if reading(readings, "proc/modules").status == "absent":
        return frozenset()
    rows = then(text(readings, "proc/modules"), str.splitlines)
    return then(rows, lambda lines: frozenset(line.split()[0] for line in lines if line.strip()))


def _module_driver(readings: Readings) -> str | Unknown | None:
    """The version of the loaded kernel module; None when it certainly is not loaded."""
    if reading(readings, "proc/driver/nvidia/version").status == "absent":
        return None
    return then(text(readings, "proc/driver/nvidia/version"), _module_version)


def _module_version(words: str) -> str | Unknown:
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", words, re.MULTILINE)
    return found.group(1) if found else Unknown("proc/driver/nvidia/version names no version")


def _sockets(readings: Readings) -> str | Unknown:
    """What listens; a bundle of an older version has the kernel's tables instead."""
    if "sockets" in readings:
        return text(readings, "sockets")
    return then(text(readings, "proc/net/tcp"), lambda rows: rows + reading(readings, "proc/net/tcp6").text)


def _ports(words: str) -> Mapping[int, bool]:
    """TCP ports somebody listens on; true when others can reach them. A line is an address, or a row of
    /proc/net/tcp or tcp6, which also has those that are connected.
    """
    rows = [line.split() for line in words.splitlines()]
    places = [row[0] if len(row) == 1 else row[1] for row in rows if len(row) == 1 or LISTEN in row[3:4]]
    found = [match for match in map(PLACE.fullmatch, places) if match]
    ports = sorted((int(match[2], 16), not LOOPBACK.fullmatch(match[1])) for match in found)
    return dict(ports)  # sorted: of two sockets on one port the open one counts


def _tool(readings: Readings, name: str) -> str | Unknown | None:
    """What a program says of its version; None when it certainly is not installed."""
    return None if reading(readings, name).status == "absent" else text(readings, name)


def _there(readings: Readings, kind: str) -> list[str]:
    """The readings of a kind, without those of things that certainly are not on this host."""
    return [name for name, taken in readings.items() if name.startswith(kind) and taken.status != "absent"]


def _toolkit_settings(readings: Readings) -> Mapping[str, bool] | Unknown | None:
    """The switches of the NVIDIA Container Toolkit's own configuration; None when it has none."""
    if reading(readings, "etc/nvidia-container-runtime/config.toml").status == "absent":
        return None
    words = text(readings, "etc/nvidia-container-runtime/config.toml")
    return then(words, lambda rows: {name: value == "true" for name, value in re.findall(SWITCH, rows)})
