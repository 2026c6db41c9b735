"""Readings of this host: the kernel's own files, disks, programs and sockets."""

from __future__ import annotations

import os
import platform
import resource
import socket
import stat
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading
from doctor.probes.kernel_log import bare, kernel_log
from doctor.probes.sockets import listening
from doctor.probes.sources import read_file, run_command
from doctor.probes.taking import Probe, Taken

FILES = (
    "/etc/os-release",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/mounts",
    "/proc/driver/nvidia/version",
    "/etc/nvidia-container-runtime/config.toml",
)
TOOLKIT = "tool/nvidia-ctk"
VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DISABLE_REQUIRE", "DOCKER_HOST", "DOCKER_CONTEXT"),
    *("DOCKER_BUILDKIT", "LD_LIBRARY_PATH", "OPAL_PREFIX", "CONDA_PREFIX", "SLURM_JOB_ID", "SLURM_NTASKS"),
    *("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE"),
)
SERVER_PROGRAMS = ("tritonserver", "trtllmExecutorWorker", "trtllmExecutorW", "mpirun", "orterun")
KERNEL_WORDS = ("NVRM", "Out of memory", "Killed process", "EXT4-fs error", "XFS", "I/O error", "Remounting filesystem")


def probes(disks: Mapping[str, Path], http_port: int) -> tuple[Probe, ...]:
    """All probes of this host; `disks` are the folders that matter, by role; a server may answer on `http_port`."""
    return (
        Probe(gives=("system", "environment", "limits", "devices", *(path[1:] for path in FILES)), read=_kernel),
        Probe(gives=("sockets",), read=_sockets),
        Probe(gives=("kernel-log",), read=_kernel_log, deadline=3),
        Probe(gives=("processes",), read=_processes, deadline=5),
        Probe(gives=("triton",), read=partial(_triton, http_port), deadline=3),
        Probe(gives=(TOOLKIT,), read=_toolkit),
        *(disk(role, path) for role, path in disks.items()),
    )


def disk(role: str, path: Path) -> Probe:
    """The room in the file system that holds `path`; a probe of its own, because a dead network disk never answers."""
    return Probe(gives=(f"disk/{role}",), read=partial(_disk, role, path), deadline=4)


def _kernel() -> Taken:
    yield "system", _json(_system())
    yield "environment", _json({name: _shown(os.environ[name]) for name in VARIABLES if name in os.environ})
    yield "limits", _json({"memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[0], "uid": os.getuid()})
    for path in FILES:
        yield path[1:], read_file(path)
    yield "devices", _json(_devices())  # last: a folder that may not be listed takes no other reading along


def _system() -> dict[str, object]:
    name = platform.uname()
    return {
        "system": name.system,
        "release": name.release,
        "machine": name.machine,
        "cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "day": time.strftime("%Y-%m-%d"),
    }


def _devices() -> dict[str, object]:
    """The device files of NVIDIA's driver, the CDI specifications, and the links systemd needs to keep GPUs alive."""
    folders = {"cdi": ("/etc/cdi", "/var/run/cdi"), "links": ("/dev/char",), "nvidia": ("/dev",)}
    wanted = {"cdi": "", "links": "195:", "nvidia": "nvidia"}
    return {
        kind: [f"{place}/{name}" for place in places for name in _names(place) if name.startswith(wanted[kind])]
        for kind, places in folders.items()
    }


def _names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir()) if Path(folder).is_dir() else []


def _sockets() -> Taken:
    """What listens; where the kernel does not answer sock_diag, its tables of all connections."""
    try:
        yield "sockets", Reading(text="\n".join(listening()))
    except OSError:
        yield "sockets", Reading(text="".join(read_file(f"/proc/net/{table}").text for table in ("tcp", "tcp6")))


def _kernel_log() -> Taken:
    """The lines of this boot's kernel log that tell of GPUs, memory or disks in trouble; the last 200 of them."""
    taken = kernel_log()
    lines = [line for line in taken.text.splitlines() if any(word in line for word in KERNEL_WORDS)]
    yield "kernel-log", replace(taken, text="\n".join(map(bare, lines[-200:])))


def _processes() -> Taken:
    """The servers at work here: process id, program, and whether it is ours to read."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - it may have thousands of names
        name = read_file(f"/proc/{number}/comm").text.strip()
        if name in SERVER_PROGRAMS:
            words = read_file(f"/proc/{number}/cmdline").text.split("\0")
            found.append({"pid": int(number), "name": name, "argv": [word for word in words if word][:40]})
    yield "processes", _json(found)


def _triton(port: int) -> Taken:
    """Whether the server on that port of this host calls itself ready."""
    try:
        with socket.socket() as door:
            door.settimeout(2)
            door.connect(("127.0.0.1", port))
        yield "triton", _json({"port": port, "status": _status(port)})
    except ConnectionRefusedError:
        yield "triton", Reading(status="absent", reason=f"nothing listens on port {port}")
    except OSError as error:
        yield "triton", Reading(status="timeout", reason=f"port {port}: {error}")


def _status(port: int) -> int:
    """The HTTP status of /v2/health/ready; 0 from what speaks no HTTP."""
    import http.client  # takes longer than most probes

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status
    except http.client.HTTPException:
        return 0


def _toolkit() -> Taken:
    yield TOOLKIT, run_command("nvidia-ctk", "--version")


def _disk(role: str, path: Path) -> Taken:
    while not path.exists():
        path = path.parent
    room = os.statvfs(path)
    yield (
        f"disk/{role}",
        _json(
            {
                "path": _shown(str(path.resolve())),
                "free": room.f_bavail * room.f_frsize,
                "total": room.f_blocks * room.f_frsize,
                "files": room.f_files,
                "files_free": room.f_favail,
                "readonly": bool(room.f_flag & os.ST_RDONLY),
                "world_writable": bool(path.stat().st_mode & stat.S_IWOTH),
                "sticky": bool(path.stat().st_mode & stat.S_ISVTX),
                "writable": path.is_dir() and os.access(path, os.W_OK | os.X_OK),
            }
        ),
    )


def _shown(words: str) -> str:
    """Words of the environment or the file system as text: bytes that are no UTF-8 become a mark."""
    return os.fsencode(words).decode("utf-8", "replace")


def _json(value: object) -> Reading:
    return Reading(text=msgspec.json.encode(value).decode())
