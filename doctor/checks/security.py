"""X: what is known to be unsafe."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from doctor.advisories import CRITICAL, Bulletin
from doctor.checks.docker import engine_of
from doctor.checks.driver import branch, driver_of
from doctor.checks.rules import family
from doctor.facts.versions import at_least, parts
from doctor.outcome import Finding, NotAsked, NotKnown, failed, given, known, noted, passed, warned
from doctor.subject import Subject

STALE_DAYS = 90


def triton_advisories(subject: Subject) -> Finding:
    """Known vulnerabilities of the release's Triton; a failure when it shall listen beyond this host."""
    month = given(_month(subject), "not-in-release")
    open_ones = subject.advisories.of("triton", month)
    if not open_ones:
        return passed(version=month)
    values = _values(open_ones, month)
    return failed(**values) if subject.asked.exposed else warned(**values)


def trtllm_advisories(subject: Subject) -> Finding:
    """Known vulnerabilities of the release's TensorRT-LLM."""
    version = given(_trtllm(subject), "no-trtllm")
    open_ones = subject.advisories.of("tensorrt_llm", version)
    return warned(**_values(open_ones, version)) if open_ones else passed(version=version)


def exposed(subject: Subject) -> Finding:
    """The server listens on this host only, unless that was asked for; it has no login of its own."""
    if not subject.asked.serves:
        raise NotAsked("builds-only")
    ports = [subject.asked.http_port, subject.asked.grpc_port, subject.asked.metrics_port]
    if subject.asked.exposed:
        return warned(ports=ports)
    found = known(subject.host.ports)
    reachable = [port for port in ports if found.get(port)]
    return failed(ports=reachable) if reachable else passed(ports=ports)


def toolkit_advisories(subject: Subject) -> Finding:
    """Known vulnerabilities of the NVIDIA Container Toolkit; the two critical ones are container escapes."""
    if "nvidia-ctk" not in subject.host.tools:
        return passed("pass-none")
    said = given(known(subject.host.tools["nvidia-ctk"]), "no-toolkit")
    version = given(next((word for word in said.split() if parts(word)), None), "no-toolkit")
    open_ones = subject.advisories.of("container_toolkit", version)
    if not open_ones:
        return passed(version=version)
    values = _values(open_ones, version)
    return failed(**values) if _worst(open_ones) >= CRITICAL else warned(**values)


def driver_advisories(subject: Subject) -> Finding:
    """The driver has the last fixes of its branch, and the branch still gets some."""
    driver = driver_of(subject)
    fix = next((fix for fix in subject.advisories.driver_fixes if fix.branch == branch(driver)), None)
    if fix is None and branch(driver) > max(fix.branch for fix in subject.advisories.driver_fixes):
        raise NotKnown(f"branch {branch(driver)} is newer than these advisories ({subject.advisories.as_of})")
    if fix is None:
        return warned("warn-branch", driver=driver, branch=branch(driver))
    values = {"driver": driver, "fixed": fix.fixed_in, "branch": fix.branch}
    if not at_least(driver, fix.fixed_in):
        return warned(**values)
    return passed(**values) if fix.supported else noted(**values)


def engine_advisories(subject: Subject) -> Finding:
    """Known vulnerabilities of the Docker engine and of runc, which every container starts with."""
    components = known(engine_of(subject).components)
    versions = {"docker": components.get("Engine"), "runc": components.get("runc")}
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    open_ones = [
        *(subject.advisories.of("docker", versions["docker"]) if versions["docker"] else ()),
        *(subject.advisories.of("runc", versions["runc"]) if versions["runc"] else ()),
    ]
    return warned(**_values(open_ones, found)) if open_ones else passed(version=found)


def advisories_age(subject: Subject) -> Finding:
    """How old this knowledge is."""
    today = date.fromisoformat(known(subject.host.system).day)
    days = (today - date.fromisoformat(subject.advisories.as_of)).days
    values = {"as_of": subject.advisories.as_of, "days": days}
    return noted(**values) if days > STALE_DAYS else passed(**values)


def plain_logins(subject: Subject) -> Finding:
    """Registry passwords lie in plain text in the Docker client's configuration."""
    registries = known(subject.docker.plain_logins)
    return noted(registries=registries) if registries else passed()


def open_work_folder(subject: Subject) -> Finding:
    """Nobody else may write where model repositories and engines lie: writing there is running code in the server."""
    if "work" not in subject.host.disks:
        raise NotAsked("no-disk")
    room = known(subject.host.disks["work"])
    repository = known(subject.artifacts.open_repository)
    own = room.world_writable and not room.sticky
    if repository:
        return failed("fail-repository", repository=repository, own=own, path=room.path)
    return failed(own=own, path=room.path) if own else passed(path=room.path)


def _month(subject: Subject) -> str | None:
    """The YY.MM of the Triton container: the one seen in the image, else the one the release names."""
    if subject.image:
        return known(subject.image.probe).container
    return subject.release.container.tag.partition("-")[0] if subject.release.container else None


def _trtllm(subject: Subject) -> str | None:
    """The version of TensorRT-LLM: the one seen in the image, else the release's."""
    if subject.image:
        return known(subject.image.probe).packages.get("tensorrt_llm")
    return subject.release.tensorrt_llm.version


def _worst(bulletins: Iterable[Bulletin]) -> float:
    return max(score for bulletin in bulletins for score in bulletin.cves.values())


def _values(bulletins: Iterable[Bulletin], version: str) -> dict[str, object]:
    rows = list(bulletins)
    scores = {name: score for row in rows for name, score in row.cves.items()}
    return {
        "version": version,
        "count": len(scores),
        "worst": max(scores, key=lambda name: scores[name]),
        "score": max(scores.values()),
        "fixed": max((row.also_fixed_in or row.fixed_in for row in rows), key=parts),
        "cves": sorted(scores),
    }


CHECKS = family(
    "X",
    {
        "X001": triton_advisories,
        "X002": trtllm_advisories,
        "X003": exposed,
        "X005": toolkit_advisories,
        "X007": open_work_folder,
        "X009": driver_advisories,
        "X010": engine_advisories,
        "X011": advisories_age,
        "X012": plain_logins,
    },
)
