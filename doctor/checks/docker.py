"""D: the Docker engine and the NVIDIA Container Toolkit."""

from __future__ import annotations

from doctor.checks.rules import family
from doctor.facts.docker import Docker
from doctor.facts.versions import at_least
from doctor.outcome import Finding, NotAsked, NotKnown, failed, given, known, noted, passed, warned
from doctor.subject import Subject
from environment.unknown import Unknown

OLDEST_ENGINE = "19.03"  # the first with --gpus
SLOW_STORAGE = ("vfs", "devicemapper")
GOOD_STORAGE = ("overlay2", "overlayfs", "btrfs", "zfs", "fuse-overlayfs", "stargz")
OVER = ("exited", "created", "dead")
ELSEWHERE, USUAL = ("DOCKER_HOST", "DOCKER_CONTEXT"), "unix:///var/run/docker.sock"


def docker_up(subject: Subject) -> Finding:
    """The engine answers; one that hangs is neither up nor down."""
    docker = subject.docker
    if docker.engine == "up":
        return passed(version=known(docker.version))
    if docker.engine == "hung":
        raise NotKnown(docker.said)
    named = _elsewhere(subject) if docker.engine == "down" else {}
    if named:
        setting = [f"{name}={value}" for name, value in named.items()]
        return failed("fail-elsewhere", said=docker.said, setting=setting, names=" ".join(named))
    return failed(f"fail-{docker.engine}", said=docker.said)


def _elsewhere(subject: Subject) -> dict[str, str]:
    """The variables that send the client to another engine than this host's usual one."""
    said = subject.host.environment
    environment = {} if isinstance(said, Unknown) else said
    return {name: environment[name] for name in ELSEWHERE if environment.get(name, USUAL) != USUAL}


def buildkit(subject: Subject) -> Finding:
    """The client has BuildKit, which some releases' Dockerfiles cannot do without."""
    if subject.docker.engine == "missing":
        raise NotAsked("no-docker")
    needed = subject.release.source_build.buildkit == "required"
    version, values = known(subject.docker.buildx), {"tag": subject.release.tag}
    if version:
        return passed(**values, version=version)
    return failed(**values) if needed else warned(**values)


def toolkit(subject: Subject) -> Finding:
    """The NVIDIA Container Toolkit is installed."""
    said = known(subject.host.tools["nvidia-ctk"])
    return passed(said=said.splitlines()[0]) if said else failed()


def gpu_runtime(subject: Subject) -> Finding:
    """Docker can hand a GPU to a container: through its nvidia runtime or through CDI."""
    runtimes, specifications = known(engine_of(subject).runtimes), known(subject.host.devices).cdi
    if "nvidia" in runtimes:
        return passed(runtimes=runtimes)
    return passed("pass-cdi", cdi=specifications) if specifications else failed(runtimes=runtimes)


def snap(subject: Subject) -> Finding:
    """Docker was not installed as a snap, which hides the driver from containers."""
    root = known(engine_of(subject).root)
    return failed(root=root) if root.startswith("/var/snap/") else passed(root=root)


def cgroup_loss(subject: Subject) -> Finding:
    """Running containers keep their GPUs when systemd reloads."""
    docker, devices = engine_of(subject), known(subject.host.devices)
    given(devices.nvidia or None, "no-driver")
    driver = known(docker.cgroup_driver)
    if driver == "systemd" and not devices.links and not devices.cdi:
        return warned(driver=driver)
    return passed(driver=driver)


def toolkit_settings(subject: Subject) -> Finding:
    """The toolkit's own switches are at safe values."""
    settings = given(known(subject.host.toolkit_settings), "no-toolkit")
    if settings.get("no-cgroups") and not known(engine_of(subject).rootless):
        return failed()
    loose = ("allow-cuda-compat-libs-from-container", "allow-ldconfig-from-container", "disable-require")
    found = [name for name in loose if settings.get(name)]
    return warned(found=found) if found else passed()


def storage_driver(subject: Subject) -> Finding:
    """The engine stores layers in a way that shares them."""
    driver = known(engine_of(subject).storage)
    if driver in SLOW_STORAGE:
        return warned(driver=driver)
    return passed(driver=driver) if driver in GOOD_STORAGE else noted(driver=driver)


def require_bypass(subject: Subject) -> Finding:
    """The image's own driver check is in force."""
    setting = known(subject.host.environment).get("NVIDIA_DISABLE_REQUIRE", "")
    return noted(setting=setting) if setting.lower() in {"1", "true"} else passed()


def leftovers(subject: Subject) -> Finding:
    """No container of ours lies about after its end."""
    found = [row.name for row in known(engine_of(subject).containers) if row.state in OVER]
    return noted(names=found) if found else passed()


def engine_age(subject: Subject) -> Finding:
    """The engine knows `--gpus`."""
    version = known(engine_of(subject).version)
    values = {"version": version, "oldest": OLDEST_ENGINE}
    return passed(**values) if at_least(version, OLDEST_ENGINE) else failed(**values)


def engine_of(subject: Subject) -> Docker:
    """The engine when it answers; one that does not is D001's affair."""
    if subject.docker.engine != "up":
        raise NotAsked("no-docker")
    return subject.docker


CHECKS = family(
    "D",
    {
        "D001": docker_up,
        "D002": buildkit,
        "D003": toolkit,
        "D004": gpu_runtime,
        "D005": snap,
        "D006": cgroup_loss,
        "D007": toolkit_settings,
        "D008": storage_driver,
        "D011": require_bypass,
        "D012": leftovers,
        "D013": engine_age,
    },
)
