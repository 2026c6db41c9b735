"""Claimed versus observed: what a release says is in its image, against what the probe read there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.version import InvalidVersion, Version

from environment.errors import Trouble, printable
from environment.images.choice import Way
from environment.images.probed import Probed
from environment.releases import Container, Release

BACKEND = "/opt/tritonserver/backends/tensorrtllm"
BACKEND_LIBRARY = "libtriton_tensorrtllm.so"
PYTHON_PACKAGES = frozenset({"tensorrt_llm", "tensorrt (pip)", "torch"})
OWN_TENSORRT = "/usr/local/tensorrt"  # before Debian's: images keep an older libnvinfer there, which nothing loads


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fact claimed and observed; `agrees` is None where one of them is not known."""

    name: str
    claimed: str
    observed: str
    agrees: bool | None

    def __str__(self) -> str:
        mark = {True: "ok", False: "DIFFERS", None: "unread"}[self.agrees]
        return f"{mark:<8} {self.name:<16} claimed {self.claimed or 'nothing'}, observed {self.observed or 'nothing'}"


def claims(release: Release, way: Way, container: Container | None = None) -> dict[str, str]:
    """What the release's files say of its image, by the names of the observations; unknown ones are left out.

    `container` is NVIDIA's that was pulled, when it is not the recommended one. What runs in one that can only serve
    is the backend: it has none of the Python packages.
    """
    versions, pulled = release.versions, (container or release.container) if way == "ngc" else None
    base = pulled.tag if pulled else (release.source_build.base_image or "").rpartition(":")[2]
    torch = versions.pytorch_ngc if pulled or release.source_build.takes_ngc_torch else versions.pytorch
    legacy = release.engine_workflow.default != "pytorch_llm_api"
    left_out = PYTHON_PACKAGES if pulled and not pulled.ships_tensorrt_llm_python else frozenset[str]()
    claimed = {
        "tensorrt_llm": release.tensorrt_llm.wheel_version or release.tensorrt_llm.version,
        "tensorrt": versions.tensorrt,
        "tensorrt (pip)": versions.tensorrt,
        "libnvinfer": versions.tensorrt,
        "torch": (pulled.claimed.torch if pulled else None) or torch,
        "cuda": pulled.claimed.cuda if pulled else versions.cuda,  # a container's is not that of the release's base
        "python": versions.python,
        "triton": pulled.claimed.triton_server if pulled else None,
        "container": base.partition("-")[0],
        "openmpi": versions.openmpi,
        "backend": BACKEND_LIBRARY if legacy else None,
        "mpi": "one installation",
    }
    return {name: value for name, value in claimed.items() if value and name not in left_out}


def observations(probe: Probed) -> dict[str, str]:
    """The probe's document as one line per fact; "" for what it could not read."""
    packages, headers, resolved = probe.packages, probe.tensorrt_headers, probe.resolved
    library = preferred(probe.nvinfer).rpartition(".so.")[2]  # three parts, or four in Debian's packages
    read = {
        "tensorrt_llm": packages.get("tensorrt_llm"),
        "tensorrt": headers.get(preferred(headers)) or library,
        "tensorrt (pip)": packages.get("tensorrt"),
        "libnvinfer": library,
        "torch": packages.get("torch"),
        "cuda": probe.cuda,
        "python": probe.python,
        "triton": probe.triton,
        "container": probe.container,
        "backend": BACKEND_LIBRARY if BACKEND_LIBRARY in probe.backends.get(BACKEND, ()) else "",
        "mpi": one_mpi(resolved.get("libmpi.so"), resolved.get("libopen-pal.so")),
        "libmpi": resolved.get("libmpi.so"),
        "libopen-pal": resolved.get("libopen-pal.so"),
        "libhwloc": resolved.get("libhwloc.so"),
    }
    return {name: printable(value or "").replace("\n", " ") for name, value in read.items()}


def preferred(paths: Iterable[str]) -> str:
    """The path under TensorRT's own folder, else the first; "" when there is none."""
    return next((path for path in paths if path.startswith(OWN_TENSORRT)), next(iter(paths), ""))


def one_mpi(mpi: str | None, pal: str | None) -> str:
    """Whether the two halves of Open MPI come from one place: mixed halves crash at MPI_Init."""
    if not mpi:
        return ""
    if pal and PurePosixPath(mpi).parent != PurePosixPath(pal).parent:
        return f"two: {mpi} with {pal}"
    return "one installation"


def compare(claimed: Mapping[str, str], observed: Mapping[str, str]) -> tuple[Finding, ...]:
    """One finding for each claim. What was claimed and is not in a fully probed image differs."""
    return tuple(
        Finding(name=name, claimed=value, observed=observed[name], agrees=agree(value, observed[name]))
        for name, value in claimed.items()
        if name in observed
    )


def agree(claimed: str, observed: str) -> bool:
    """Whether two versions are the same as far as both go: 10.0.1 and 10.0.1.6 are, 0.12.0 and 0.12.0.dev1 are not."""
    try:
        one, two = Version(claimed), Version(observed)
    except InvalidVersion:
        return claimed == observed
    length = min(len(one.release), len(two.release))
    stages = ((one.pre, two.pre), (one.post, two.post), (one.dev, two.dev))
    same_build = one.local is None or two.local is None or one.local == two.local
    return one.release[:length] == two.release[:length] and all(a == b for a, b in stages) and same_build


def refuse_differences(reference: str, findings: tuple[Finding, ...], mend: str) -> None:
    """Raises Trouble with every difference when there is one."""
    different = [finding for finding in findings if finding.agrees is False]
    if different:
        raise Trouble(
            f"{reference} does not hold what is claimed of it:\n" + "\n".join(f"  {finding}" for finding in different),
            why="engines, runtime and backend only work together in matched versions",
            mend=mend,
        )
