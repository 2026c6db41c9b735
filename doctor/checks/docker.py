"""D: the Docker engine and the NVIDIA Container Toolkit."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.facts.docker import Docker
from doctor.outcome import Finding, NotAsked, NotKnown, failed, known, passed
from doctor.subject import Subject


def docker_up(subject: Subject) -> Finding:
    """The engine answers; one that hangs is neither up nor down."""
    docker = subject.docker
    if docker.engine == "up":
        return passed(version=known(docker.version))
    if docker.engine == "hung":
        raise NotKnown(docker.said)
    return failed(f"fail-{docker.engine}", said=docker.said)


def gpu_runtime(subject: Subject) -> Finding:
    """Docker can hand a GPU to a container: through its nvidia runtime or through CDI."""
    runtimes = known(engine_of(subject).runtimes)
    specifications = known(subject.host.devices).cdi
    if "nvidia" in runtimes:
        return passed(runtimes=runtimes)
    return passed("pass-cdi", cdi=specifications) if specifications else failed(runtimes=runtimes)


def engine_of(subject: Subject) -> Docker:
    """The engine when it answers; one that does not is D001's affair."""
    if subject.docker.engine != "up":
        raise NotAsked("no-docker")
    return subject.docker


CHECKS = family(
    "D",
    {
        "D001": docker_up,
        "D004": gpu_runtime,
    },
)
