"""Claimed versus observed: what a release says is in its image, against what the probe read there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.version import InvalidVersion, Version

from environment.errors import Trouble
from environment.images.choice import Way
from environment.releases import Release

BACKEND = "/opt/tritonserver/backends/tensorrtllm"
BACKEND_LIBRARY = "libtriton_tensorrtllm.so"
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


def claims(release: Release, way: Way) -> dict[str, str]:
    """What the release's files say of its image, by the names of the observations; unknown ones are left out."""
    versions, container = release.versions, release.container
    pulled = container if way == "ngc" else None
    base = (release.ngc.recommended_tag if pulled else (release.source_build.base_image or "").rpartition(":")[2]) or ""
    torch = versions.pytorch_ngc if pulled or release.source_build.takes_ngc_torch else versions.pytorch
    legacy = release.engine_workflow.default != "pytorch_llm_api"
    claimed = {
        "tensorrt_llm": release.tensorrt_llm.wheel_version or release.tensorrt_llm.version,
        "tensorrt": versions.tensorrt,
        "tensorrt (pip)": versions.tensorrt,
        "libnvinfer": versions.tensorrt,
        "torch": (pulled.claimed.torch if pulled else None) or torch,
        "cuda": (pulled.claimed.cuda if pulled else None) or versions.cuda,
        "python": versions.python,
        "triton": pulled.claimed.triton_server if pulled else None,
        "container": base.partition("-")[0],
        "openmpi": versions.openmpi,
        "backend": BACKEND_LIBRARY if legacy else None,
        "mpi": "one installation",
    }
    return {name: value for name, value in claimed.items() if value}


def observations(probe: Mapping[str, Any]) -> dict[str, str]:
    """The probe's document as one text per fact; "" for what it could not read."""
    packages = probe["packages"]
    headers, libraries = probe["tensorrt_headers"], probe["nvinfer"]
    resolved = probe["resolved"]
    library = preferred(libraries).rpartition(".so.")[2]  # three parts, or four in Debian's packages
    return {
        "tensorrt_llm": packages["tensorrt_llm"] or "",
        "tensorrt": headers.get(preferred(headers)) or library,
        "tensorrt (pip)": packages["tensorrt"] or "",
        "libnvinfer": library,
        "torch": packages["torch"] or "",
        "cuda": probe["cuda"] or "",
        "python": probe["python"],
        "triton": probe["triton"] or "",
        "container": probe["container"] or "",
        "backend": BACKEND_LIBRARY if BACKEND_LIBRARY in probe["backends"][BACKEND] else "",
        "mpi": one_mpi(resolved["libmpi.so"], resolved["libopen-pal.so"]),
        "libmpi": resolved["libmpi.so"] or "",
        "libopen-pal": resolved["libopen-pal.so"] or "",
        "libhwloc": resolved["libhwloc.so"] or "",
    }


def preferred(paths: Any) -> str:
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
