"""S: how the containers that run Triton were started."""

from __future__ import annotations

import re

from doctor.checks.docker import engine_of
from doctor.checks.rules import family
from doctor.facts.docker import ServerContainer
from doctor.outcome import Finding, NotAsked, failed, known, noted, passed
from doctor.subject import Subject

LAUNCHER = "launch_triton_server.py"
STAYS = re.compile(r"[;&|]")  # a shell that has more to do after the launcher keeps the container alive


def command_detaches(subject: Subject) -> Finding:
    """No container's main process is upstream's launcher, which starts the server and ends."""
    found = [row.name for row in _servers(subject) if _detaches(row)]
    return failed(names=found) if found else passed(count=len(_servers(subject)))


def host_namespaces(subject: Subject) -> Finding:
    """The server has a network and shared memory of its own."""
    found = [row.name for row in _servers(subject) if "host" in (row.network, row.ipc)]
    return noted(names=found) if found else passed(count=len(_servers(subject)))


def _detaches(container: ServerContainer) -> bool:
    _, launcher, rest = " ".join(container.command).rpartition(LAUNCHER)
    return bool(launcher) and not STAYS.search(rest)


def _servers(subject: Subject) -> tuple[ServerContainer, ...]:
    servers = engine_of(subject).servers
    if servers is None:
        raise NotAsked("no-inspection")
    return known(servers)


CHECKS = family("S", {"S006": command_detaches, "S011": host_namespaces})
