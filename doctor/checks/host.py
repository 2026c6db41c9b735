"""H: the host and what it has to give."""

from __future__ import annotations

import re

from doctor.checks.rules import family
from doctor.facts.host import Disk
from doctor.outcome import Finding, NotAsked, failed, given, known, noted, passed, warned
from doctor.subject import Subject

GIB = 1 << 30
BUILD_BYTES = 63 * 10**9
JOB_BYTES = 5 * GIB // 4
LINK_BYTES = 30 * GIB
LOCKLESS = ("nfs", "lustre", "gpfs", "fuse", "cifs", "smb", "9p", "beegfs", "ceph", "virtiofs")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
KILLED = re.compile(r"Killed process (\d+) \((.+?)\)(?:,|\s|$)")  # mm/oom_kill.c: the line of several that says whom
DISK_TROUBLE = ("EXT4-fs error", "I/O error", "Remounting filesystem read-only")


def os_arch(subject: Subject) -> Finding:
    """Images are x86-64 Linux; 64-bit Arm needs an argument to build, anything else is not supported."""
    system = known(subject.host.system)
    values = {"system": system.system, "machine": system.machine, "tag": subject.release.tag}
    if system.system != "Linux" or system.machine not in {"x86_64", "aarch64"}:
        return failed(**values)
    if system.machine == "x86_64":
        return passed(**values)
    argument = subject.release.source_build.aarch64_build_arg
    return warned(**values, argument=argument) if argument else warned("warn-untold", **values)


def disk_image(subject: Subject) -> Finding:
    """The release's image fits where the Docker engine keeps its data."""
    needed = given(image_bytes(subject), "not-in-release")
    room = _disk(subject, "docker", "no-root")
    values = {"path": room.path, "free": room.free, "needed": needed, "image": subject.release.image}
    if room.free < needed:
        return failed(**values)
    return passed(**values) if room.free >= needed * 3 // 2 else warned(**values)


def disk_build(subject: Subject) -> Finding:
    """A build from source needs more room than its result."""
    room = _disk(subject, "docker", "no-root")
    values = {"path": room.path, "free": room.free, "needed": BUILD_BYTES}
    return passed(**values) if room.free >= BUILD_BYTES else warned(**values)


def disk_work(subject: Subject) -> Finding:
    """Weights, the converted checkpoint and the engine are about equally large, and all three lie there at once."""
    weights = given(subject.asked.checkpoint_bytes, "no-recipe")
    room, needed = _disk(subject, "work"), weights * 33 // 10
    values = {"path": room.path, "free": room.free, "needed": needed, "weights": weights}
    return passed(**values) if room.free >= needed else failed(**values)


def ram_build(subject: Subject) -> Finding:
    """build_wheel.py starts a compiler for each CPU; each takes about 1.25 GiB, and the last link more than 30 GiB."""
    memory, cpus = known(subject.host.memory), known(subject.host.system).cpus
    there = memory.total + memory.swap
    jobs = max(min(there // JOB_BYTES, cpus), 1)
    values = {"ram": memory.total, "swap": memory.swap, "cpus": cpus, "jobs": jobs, "tag": subject.release.tag}
    if there < LINK_BYTES:
        return warned("warn-link", **values, needed=LINK_BYTES)
    return passed(**values) if jobs == cpus else warned(**values, needed=cpus * JOB_BYTES)


def ram_quantize(subject: Subject) -> Finding:
    """Quantizing holds the whole checkpoint in memory."""
    given(subject.asked.quantization or None, "no-quantization")
    weights, memory = given(subject.asked.checkpoint_bytes, "no-recipe"), known(subject.host.memory)
    values = {"available": memory.available, "swap": memory.swap, "needed": weights * 6 // 5, "weights": weights}
    return passed(**values) if memory.available + memory.swap >= weights * 6 // 5 else warned(**values)


def fs_locks(subject: Subject) -> Finding:
    """Locks on network file systems may be granted to everyone at once."""
    types = {role: _file_system(subject, role) for role in ("cache", "work") if role in subject.host.disks}
    shared = {role: kind for role, kind in types.items() if kind.startswith(LOCKLESS)}
    found = ", ".join(f"{role}: {kind}" for role, kind in (shared or types).items())
    return warned(found=found) if shared else passed(found=found)


def proxy_localhost(subject: Subject) -> Finding:
    """With a proxy set, requests to the server on this host must not go to it."""
    environment = known(subject.host.environment)
    proxies = [name for name in PROXIES if environment.get(name)]
    spared = environment.get("NO_PROXY", "") + "," + environment.get("no_proxy", "")
    names = {word.strip() for word in spared.split(",")}
    missing = [] if "*" in names else [name for name in ("localhost", "127.0.0.1") if name not in names]
    if proxies and missing:
        return warned(proxies=proxies, missing=missing)
    return passed(proxies=proxies or ("-",))


def inodes(subject: Subject) -> Finding:
    """A file system can have bytes left and no room for another file."""
    rooms = {role: known(room) for role, room in subject.host.disks.items() if role != "shm"}
    counted = {role: room for role, room in rooms.items() if room.files}
    least = min(counted.values(), key=lambda room: room.files_free / room.files, default=None)
    room = given(least, "no-inodes")
    values = {"path": room.path, "files_free": room.files_free, "files": room.files}
    return warned(**values) if room.files_free * 20 < room.files else passed(**values)


def out_of_memory(subject: Subject) -> Finding:
    """The kernel has killed programs for memory since it started."""
    killed = [match for line in known(subject.host.kernel_log) if (match := KILLED.search(line))]
    return warned(count=len(killed), process=killed[-1][1], program=killed[-1][2]) if killed else passed()


def read_only(subject: Subject) -> Finding:
    """The folders that are written to can be written to, and the kernel does not complain of their disks."""
    disks = {role: known(room) for role, room in subject.host.disks.items() if role in {"work", "cache", "tmp"}}
    rooms = list(disks.values())
    if stuck := [room.path for room in rooms if room.readonly]:
        return failed(paths=stuck)
    if closed := [room.path for role, room in disks.items() if role != "cache" and room.writable is False]:
        return failed("fail-closed", paths=closed)
    log = subject.host.kernel_log
    lines = [line for line in log if any(word in line for word in DISK_TROUBLE)] if isinstance(log, tuple) else []
    return warned(last=lines[-1][:160]) if lines else passed(paths=[r.path for r in rooms if r.writable is not False])


def nouveau(subject: Subject) -> Finding:
    """The kernel has not given the GPUs to nouveau, the driver without CUDA."""
    modules = known(subject.host.modules)
    if "nouveau" not in modules:
        return passed()
    return noted() if "nvidia" in modules else failed()


def run_by_root(subject: Subject) -> Finding:
    """Programs run by root write files that their owner later cannot remove."""
    uid = known(subject.host.limits).uid
    return noted(uid=uid) if uid == 0 else passed(uid=uid)


def image_bytes(subject: Subject) -> int | None:
    """The size of the release's container as its data says it ("31G"), in bytes."""
    container = subject.release.container
    size = container.claimed.size if container else None
    return int(float(size[:-1]) * 10**9) if size and size.endswith("G") else None


def _disk(subject: Subject, role: str, otherwise: str = "no-disk") -> Disk:
    if role not in subject.host.disks:
        raise NotAsked(otherwise)
    return known(subject.host.disks[role])


def _file_system(subject: Subject, role: str) -> str:
    """The type of the file system that holds a folder: that of the longest mount point above it."""
    mounts, path = known(subject.host.file_systems), _disk(subject, role).path
    above = [place for place in mounts if place in {"/", path} or path.startswith(place.rstrip("/") + "/")]
    return mounts[max(above, key=len)] if above else "-"


CHECKS = family(
    "H",
    {
        "H001": os_arch,
        "H002": disk_image,
        "H003": disk_build,
        "H004": disk_work,
        "H005": ram_build,
        "H006": ram_quantize,
        "H007": fs_locks,
        "H008": proxy_localhost,
        "H009": nouveau,
        "H010": inodes,
        "H011": out_of_memory,
        "H012": read_only,
        "H013": run_by_root,
    },
)
