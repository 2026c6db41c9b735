"""S: what serving needs of the host at this moment."""

from __future__ import annotations

from doctor.checks.docker import engine_of
from doctor.checks.rules import family
from doctor.outcome import Finding, NotAsked, failed, known, passed, warned
from doctor.subject import Subject

GIB = 1 << 30
DEFAULT_SHM = 64 << 20  # what Docker gives a container that asks for nothing
READY = 200
FOREIGN_LAUNCHERS = ("SLURM_JOB_ID", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")


def ports(subject: Subject) -> Finding:
    """The ports the server shall listen on are free."""
    asked = subject.asked
    if not asked.serves:
        raise NotAsked("builds-only")
    wanted = (asked.http_port, asked.grpc_port, asked.metrics_port)
    taken = [port for port in wanted if port in known(subject.host.ports)]
    if not taken:
        return passed(ports=wanted)
    servers = (
        [f"{row.name} ({row.pid})" for row in subject.host.servers] if isinstance(subject.host.servers, tuple) else []
    )
    return failed(taken=taken, ports=wanted, free=_free(subject, wanted), servers=servers or ("?",))


def stale_server(subject: Subject) -> Finding:
    """No server of an earlier start is still at work."""
    found = known(subject.host.servers)
    return warned(found=[f"{row.name} ({row.pid})" for row in found]) if found else passed()


def shared_memory(subject: Subject) -> Finding:
    """The host's shared memory, which containers with --ipc=host use, has room for Python models and NCCL."""
    if "shm" not in subject.host.disks:
        raise NotAsked("no-disk")
    room = known(subject.host.disks["shm"])
    values = {"total": room.total, "free": room.free, "needed": GIB}
    if room.total <= DEFAULT_SHM and subject.asked.gpus > 1:
        return failed(**values)
    return passed(**values) if room.free >= GIB else warned(**values)


def locked_memory(subject: Subject) -> Finding:
    """Containers may lift the limit on locked memory, as `--ulimit memlock=-1` asks."""
    engine, limit = engine_of(subject), known(subject.host.limits).memlock
    if known(engine.rootless) and limit != -1:
        return warned(limit=limit)
    return passed()


def shm_prefix(subject: Subject) -> Finding:
    """Servers that share /dev/shm have prefixes of their own for Triton's Python models."""
    found = [row for row in known(subject.host.servers) if row.name == "tritonserver"]
    bare = [row.pid for row in found if not any("shm-region-prefix-name" in word for word in row.argv)]
    return warned(pids=bare) if len(bare) > 1 else passed(count=len(found))


def slots(subject: Subject) -> Finding:
    """There is a CPU for every rank, or mpirun finds too few slots."""
    cpus, ranks = known(subject.host.system).cpus, subject.asked.gpus
    return passed(cpus=cpus, ranks=ranks) if cpus >= ranks else warned(cpus=cpus, ranks=ranks)


def ready(subject: Subject) -> Finding:
    """The server that answers on the port calls itself ready."""
    if subject.host.server is None:
        raise NotAsked("no-server")
    server = known(subject.host.server)
    values = {"port": server.port, "status": server.status}
    if server.status == READY:
        return passed(**values)
    return warned("warn-stranger" if server.status == 0 else "warn", **values)


def foreign_launcher(subject: Subject) -> Finding:
    """No other MPI launcher has left its variables in this environment."""
    found = [name for name in FOREIGN_LAUNCHERS if name in known(subject.host.environment)]
    return warned(found=found) if found else passed()


def _free(subject: Subject, wanted: tuple[int, ...]) -> list[int]:
    """As many ports as wanted, from 18000 upwards."""
    taken = known(subject.host.ports)
    return [port for port in range(18000, 18100) if port not in taken][: len(wanted)]


CHECKS = family(
    "S",
    {
        "S001": ports,
        "S002": stale_server,
        "S003": shared_memory,
        "S004": locked_memory,
        "S005": shm_prefix,
        "S008": slots,
        "S009": ready,
        "S012": foreign_launcher,
    },
)
