"""Which way to an image is best for a release: pull what NVIDIA publishes, or build from the pinned source. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from environment.errors import Trouble
from environment.releases import Release

Way = Literal["ngc", "source"]
WAYS: dict[str, Way] = {"ngc": "ngc", "source": "source"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The way, and why."""

    way: Way
    why: str


def choose(release: Release, wanted: Way | None = None) -> Choice:
    """The way to an image of `release`: the wanted one, or the best known one.

    Raises Trouble when a container is wanted and none is known to hold the release, or the listed one is known not to.
    """
    if wanted == "source":
        return Choice(way="source", why="asked for: --from source")
    if wanted == "ngc" and not release.ngc.recommended_image:
        raise Trouble(
            f"no NVIDIA container is known to hold {release.tag}",
            where=f"environment/releases/{release.tag}.toml, [ngc]",
            mend=f"invoke image --tag {release.tag} --from source",
        )
    objection = against_container(release)
    if wanted == "ngc" and release.ngc.exact_release is False:
        raise Trouble(
            objection,
            where=f"environment/releases/{release.tag}.toml, [ngc]",
            why="it would be refused after the pull: engine, runtime and backend only work in matched versions",
            mend=f"invoke image --tag {release.tag} --from source",
        )
    if objection and wanted is None:
        return Choice(way="source", why=objection)
    return Choice(
        way="ngc", why=f"asked for: --from ngc, although {objection}" if objection else for_container(release)
    )


def against_container(release: Release) -> str:
    """Why NVIDIA's container is not the best way to this release; "" when nothing speaks against it."""
    container = release.container
    if container is None:
        return f"no NVIDIA container is known to hold {release.tag}"
    if release.ngc.exact_release is False:
        return f"NVIDIA's {container.tag} holds {container.tensorrt_llm or 'something else'}, not {release.tag}"
    if not container.ships_tensorrt_llm_python:
        return (
            f"NVIDIA's {container.tag} can serve {release.tag}, but has no tensorrt_llm package to build engines with"
        )
    return ""


def for_container(release: Release) -> str:
    """Why NVIDIA's container is taken."""
    tag, container = release.tag, release.ngc.recommended_tag
    if release.ngc.exact_release:
        return f"NVIDIA's {container} holds exactly {tag}, and builds engines as well as serving them"
    return f"NVIDIA's {container} is the one listed for {tag}; the sources are weak, so what is inside is verified"
