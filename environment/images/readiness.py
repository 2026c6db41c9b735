"""Whether this host can make the image: disk, tools, known blockers. Found out before the first byte is fetched."""

from __future__ import annotations

import re
from pathlib import Path

from environment.engine_answers import Info
from environment.errors import Trouble
from environment.images.compilation import estimate, jobs_for
from environment.images.order import Order
from environment.layers import amount
from environment.machine import Machine, asked, free_space
from environment.unknown import Unknown

SOURCE_BUILD = 63_000_000_000  # bytes (TensorRT-LLM@9bd15f19:docs/source/installation/build-from-source-linux.md)
PULLED = 35_000_000_000  # bytes of the largest trtllm container that is listed, for those without a listed size
OVERLAY = 1_000_000_000  # bytes for what is put on it, generously
SOURCES = 20_000_000  # bytes in the workspace for the overlay's: under 1 MB of files, git's own, logs
CHECKOUT = 5_000_000_000  # bytes there for whole checkouts with submodules and git-lfs files, generously
UNITS = {"G": 1_000_000_000, "M": 1_000_000}


def needed(order: Order, *, base_there: bool) -> int:
    """Bytes that the engine's disk has to have free."""
    if order.choice.way == "source":
        return SOURCE_BUILD
    if base_there:
        return OVERLAY
    container = order.release.container
    return OVERLAY + (listed(container.claimed.size if container else None) or PULLED)


def listed(size: str | None) -> int:
    """A size as NVIDIA's table has it, `31G` or `20.49 GB`, in bytes; 0 for none."""
    found = re.fullmatch(r"([\d.]+)\s*([GM])B?", size or "")
    return int(float(found[1]) * UNITS[found[2]]) if found else 0


def refuse_unready(order: Order, engine: Info, machine: Machine, store: Path, *, base_there: bool) -> None:
    """Raises Trouble naming what is needed and what is there; the order's sources and logs go into `store`."""
    if engine.here:
        refuse_narrow(
            f"{order.name} needs {{}} free where Docker keeps its images, and {{}} are",
            needed(order, base_there=base_there),
            Path(engine.root),
            "docker system df; docker image prune; or move Docker's data-root to a larger disk",
        )
    refuse_narrow(
        f"{order.name} needs {{}} free in the workspace for its sources and logs, and {{}} are",
        CHECKOUT if order.choice.way == "source" else SOURCES,
        store,
        "df -h shows what is full; or name another place: export TRTLLM_WORKSPACE=/path",
    )
    for tool, words in tools(order, machine).items():
        if isinstance(said := asked(*words), Unknown):
            raise Trouble(f"{tool} is needed: {said.reason}", mend=f"sudo apt-get install {tool}")


def refuse_narrow(what: str, need: int, folder: Path, mend: str) -> None:
    """Raises Trouble, with both amounts in `what`, when `folder` has not `need` bytes free."""
    free = free_space(folder)
    if not isinstance(free, Unknown) and free < need:
        raise Trouble(what.format(amount(need), amount(free)), where=str(folder), mend=mend)


def tools(order: Order, machine: Machine) -> dict[str, tuple[str, ...]]:
    """The programs this host has to have, by Debian's package, each with words that it answers."""
    needed: dict[str, tuple[str, ...]] = {"git": ("git", "--version")}
    build = order.release.source_build
    if order.choice.way != "source":
        return needed
    if build.git_lfs_required:
        needed["git-lfs"] = ("git", "lfs", "version")
    if by_make := build.method == "make_tritonrelease":
        needed["make"] = ("make", "--version")
    if by_make or (order.ca and not machine.buildkit):  # that Makefile calls it; and only BuildKit knows secrets
        needed["docker-buildx"] = ("docker", "buildx", "version")
    return needed


def warnings(order: Order, machine: Machine) -> tuple[str, ...]:
    """What is known to go wrong, or to take long, with this order; said before it starts."""
    if order.choice.way != "source":
        return ()
    tag, build = order.release.tag, order.release.source_build
    blockers = tuple(f"known of {tag}: {blocker}" for blocker in build.known_blockers)
    unknown = ", ".join(build.build_args_unknown)
    upstreams = (f"not established for {tag}: {unknown}; upstream's own defaults are used",) if unknown else ()
    jobs = order.jobs or jobs_for(machine)
    return (*blockers, *upstreams, f"a build from source takes hours; {estimate(machine, jobs)} (--jobs changes it)")
