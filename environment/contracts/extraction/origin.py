"""Which source tree is read: where TensorRT-LLM and the backend lie in it, and at which commit they are."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from environment.errors import Trouble
from environment.releases import Release


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One repository's tree. `exact` is true when it is at the commit the release pins."""

    root: Path
    repo: str
    commit: str | None
    exact: bool
    prefix: str = ""
    image: str = ""

    def source(self, file: Path) -> str:
        """Where a file was read: repo@commit:path, or the image and the path."""
        place = f"image {self.image}" if self.image else f"{self.repo}@{self.commit or 'unknown'}"
        return f"{place}:{self.prefix}{file.relative_to(self.root).as_posix()}"


def origins(folder: Path, release: Release, image: str = "") -> dict[str, Origin]:
    """The trees found in a checkout of tensorrtllm_backend or TensorRT-LLM, or in a folder copied out of an image.

    Keys are `tensorrt_llm` and `backend`; raises Trouble when neither is there.
    """
    found: dict[str, Origin] = {}
    if root := next((r for r in (folder, folder / "tensorrt_llm") if _is_tensorrt_llm(r)), None):
        found["tensorrt_llm"] = _origin(root, release.tensorrt_llm.repo, release.tensorrt_llm.commit, image)
    if (folder / "all_models").is_dir() or (folder / "inflight_batcher_llm").is_dir():
        found["backend"] = _origin(folder, release.backend.repo, release.backend.commit, image)
    elif root and (root / "triton_backend").is_dir():
        found["backend"] = _origin(
            root, release.tensorrt_llm.repo, release.tensorrt_llm.commit, image, "triton_backend/"
        )
    if not found:
        raise Trouble(
            f"{folder} holds neither TensorRT-LLM nor tensorrtllm_backend",
            why="no examples/, tensorrt_llm/commands/ or all_models/ in it",
            mend=f"git clone --recursive -b {release.tag} https://github.com/triton-inference-server/tensorrtllm_backend",
        )
    return found


def _is_tensorrt_llm(root: Path) -> bool:
    return (root / "examples").is_dir() or (root / "tensorrt_llm" / "commands").is_dir()


def _origin(root: Path, repo: str, pinned: str, image: str, prefix: str = "") -> Origin:
    commit = _commit(root)
    return Origin(root=root / prefix, repo=repo, commit=commit, exact=commit == pinned, prefix=prefix, image=image)


def _commit(root: Path) -> str | None:
    """The commit that is checked out; None for a tree that is no git checkout of its own, or has been changed."""
    if not (root / ".git").exists():
        return None
    return (
        _git(root, "rev-parse", "HEAD") if _git(root, "status", "--porcelain", "--untracked-files=no") == "" else None
    )


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
