"""S and X: how the containers that run Triton were started."""

from __future__ import annotations

import re

from doctor.checks.docker import engine_of
from doctor.checks.image import is_root
from doctor.checks.rules import family
from doctor.facts.docker import ServerContainer
from doctor.outcome import Finding, NotAsked, NotKnown, failed, known, noted, passed
from doctor.subject import Subject

LAUNCHER = "launch_triton_server.py"
MPI = ("mpirun", "mpiexec", "orterun")
STAYS = re.compile(r"[;&|]")  # a shell that has more to do after the launcher keeps the container alive


def command_detaches(subject: Subject) -> Finding:
    """No container's main process is upstream's launcher, which starts the server and ends."""
    found = [row.name for row in _servers(subject) if _detaches(row)]
    return failed(names=found) if found else passed(count=len(_servers(subject)))


def host_namespaces(subject: Subject) -> Finding:
    """The server has a network and shared memory of its own."""
    found = [row.name for row in _servers(subject) if "host" in (row.network, row.ipc)]
    return noted(names=found) if found else passed(count=len(_servers(subject)))


def powers(subject: Subject) -> Finding:
    """No container that runs Triton can take over the host by how it was started."""
    rows = _servers(subject)
    if any(row.powers is None for row in rows):
        raise NotKnown("an older version took these readings: it did not ask what the containers may")
    found = [f"{row.name} ({', '.join(row.powers)})" for row in rows if row.powers]
    return failed(names=found) if found else passed(count=len(rows))


def mpi_as_root(subject: Subject) -> Finding:
    """No container's mpirun is started by root without being told that it may."""
    rows = [row for row in _servers(subject) if _starts_mpi(row)]
    if any(row.user is None for row in rows):
        raise NotKnown("an older version took these readings: it did not ask which user the containers have")
    found = [row.name for row in rows if is_root(row.user or "") and not _may(row)]
    return failed(names=found) if found else passed(count=len(rows))


def _starts_mpi(container: ServerContainer) -> bool:
    return any(word.rpartition("/")[2] in MPI for word in " ".join(container.command).split())


def _may(container: ServerContainer) -> bool:
    return container.root_may_mpi or "--allow-run-as-root" in " ".join(container.command)


def _detaches(container: ServerContainer) -> bool:
    _, launcher, rest = " ".join(container.command).rpartition(LAUNCHER)
    return bool(launcher) and not STAYS.search(rest)


def _servers(subject: Subject) -> tuple[ServerContainer, ...]:
    servers = engine_of(subject).servers
    if servers is None:
        raise NotAsked("no-inspection")
    return known(servers)


CHECKS = [
    *family("S", {"S006": command_detaches, "S007": mpi_as_root, "S011": host_namespaces}),
    *family("X", {"X015": powers}),
]
