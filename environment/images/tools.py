"""The tools of an image's steps, by which the actors find their steps, and the words they share. Pure."""

from __future__ import annotations

PULL = "docker-pull"
BUILD = "docker-build"
VERIFY = "docker-run"
EXACT = "git-rev-parse"  # its output has to be what the step's `why` says
LFS = "git-lfs"  # its output may list no pointer file


def named_build(name: str, dockerfile: str, *, buildkit: bool) -> tuple[str, ...]:
    """The first words of a build. The classic builder leaves the container of a failed step behind unless told."""
    return ("docker", "build", *(() if buildkit else ("--force-rm",)), "--file", dockerfile, "--tag", name)
