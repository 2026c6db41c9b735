"""D: the Docker engine and the NVIDIA Container Toolkit."""

from __future__ import annotations

from doctor.facts.docker import Docker
from doctor.outcome import Check, Finding, NotAsked, NotKnown, State, failed, known, passed
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


CHECKS: list[Check[Subject]] = [
    Check(
        id="D001",
        slug="docker-up",
        worst=State.FAIL,
        source="kubernetes/node-problem-detector@6632ca67: health-checker; Docker Engine 20.10, 26.1, 28.5",
        reads="docker info",
        judge=docker_up,
    ),
    Check(
        id="D004",
        slug="gpu-runtime",
        worst=State.FAIL,
        source="NVIDIA/nvidia-container-toolkit@d34b3046: api/config/v1 (runtimes, CDI directories); its issue #854",
        reads="docker info, /etc/cdi, /var/run/cdi",
        judge=gpu_runtime,
    ),
]
