"""The steps that bring sources of exactly the pinned commits, and no others, onto this host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from environment.images.tools import EXACT, LFS
from environment.plan import Step
from environment.releases import Release

GITHUB = "https://github.com"  # a company mirror of it is Git's own matter: url.<base>.insteadOf
UNASKED = {"GIT_TERMINAL_PROMPT": "0"}  # nobody is there to give a password
POINTERS = {**UNASKED, "GIT_LFS_SKIP_SMUDGE": "1"}  # git-lfs files are pulled all at once, by the step that is for them


def git(title: str, *words: str, tool: str = "git", why: str = "", env: Mapping[str, str] = UNASKED) -> Step:
    """One step of git."""
    return Step(title=title, tool=tool, argv=("git", *words), env=env, why=why)


def overlay_sources(release: Release, store: Path, upstream: Path) -> tuple[Step, ...]:
    """Steps that leave in `upstream` what the overlay needs of the release's checkout, at its own paths; under 1 MB."""
    own, foreign = patterns(release), examples(release)
    if release.paths.repo == release.tensorrt_llm.repo:
        pinned = release.tensorrt_llm
        return sparse(pinned.repo, pinned.commit, (*own, *foreign), store / "tensorrt_llm.git", upstream)
    submodule = release.backend.submodule_path
    return (
        *sparse(release.backend.repo, release.backend.commit, own, store / "backend.git", upstream),
        *sparse(
            release.tensorrt_llm.repo,
            release.tensorrt_llm.commit,
            tuple(pattern.replace(f"/{submodule}/", "/", 1) for pattern in foreign),
            store / "tensorrt_llm.git",
            upstream / submodule,
        ),
    )


def patterns(release: Release) -> tuple[str, ...]:
    """Sparse-checkout patterns of the folders with the model templates, the tools and the launch script."""
    paths = release.paths
    templates = paths.model_repo_template.partition("all_models")[0] + "all_models"
    folders = (templates, parent(paths.fill_template), parent(paths.launch_script))
    return (*(f"/{folder}/" for folder in folders), "!tests/")


def examples(release: Release) -> tuple[str, ...]:
    """Patterns of TensorRT-LLM's examples for the families the recipes know: scripts and lists, no pictures."""
    root = release.paths.examples_root
    above = root.removesuffix("examples")
    families = {f"{above}{family.path}/**" for family in release.model_families.values() if family.path}
    folders = (root, *sorted(families | {f"{root}/quantization/**"}))
    return tuple(f"/{folder}/*.{ending}" for folder in folders for ending in ("py", "txt", "json"))


def parent(path: str) -> str:
    """The folder of a file."""
    return path.rpartition("/")[0]


def sparse(repo: str, commit: str, wanted: tuple[str, ...], git_dir: Path, place: Path) -> tuple[Step, ...]:
    """Fetches one commit without its files, then only the files that the patterns name, into `place`.

    Git's own folder lies elsewhere, so that no builder sends it to the engine.
    """
    here = (f"--git-dir={git_dir}", f"--work-tree={place}")
    return (
        Step(title=f"Make a place for {repo}", tool="mkdir", argv=("mkdir", "-p", str(place))),
        git("Make a repository", "init", "--quiet", "--bare", str(git_dir)),
        git("Name its origin", *here, "config", "remote.origin.url", f"{GITHUB}/{repo}.git"),
        git("Name what is needed of it", *here, "sparse-checkout", "set", "--no-cone", *wanted),
        git(
            f"Fetch {repo}@{commit[:12]}",
            *(*here, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", commit),
        ),
        git("Check it out", *here, "checkout", "--quiet", "--force", "--detach", commit),
    )


def checkout(release: Release, place: Path) -> tuple[Step, ...]:
    """Steps that leave a whole checkout of the pinned commits in `place`, submodules and git-lfs files included."""
    if release.source_build.dockerfile_repo != release.backend.repo:
        repo, commit = release.tensorrt_llm.repo, release.tensorrt_llm.commit
        return (*shallow(repo, commit, place), *library_files(place))
    submodule = release.backend.submodule_path
    return (
        *shallow(release.backend.repo, release.backend.commit, place),
        git(
            f"Read the commit recorded for {submodule}",
            *("-C", str(place), "rev-parse", f"HEAD:{submodule}"),
            tool=EXACT,
            why=f"has to be {release.backend.submodule_commit}",
        ),
        git(
            f"Fetch {submodule} at that commit",
            *("-C", str(place), "submodule", "update", "--init", "--depth=1", submodule),
            env=POINTERS,
        ),
        *library_files(place / submodule),
    )


def shallow(repo: str, commit: str, place: Path) -> tuple[Step, ...]:
    """Steps that check `commit` out, without its history."""
    here = ("-C", str(place))
    return (
        git(f"Make a place for {repo}", "init", "--quiet", str(place)),
        git("Name its origin", *here, "config", "remote.origin.url", f"{GITHUB}/{repo}.git"),
        git(f"Fetch {repo}@{commit[:12]}", *here, "fetch", "--quiet", "--depth=1", "origin", commit),
        git("Check it out", *here, "checkout", "--quiet", "--force", "--detach", commit, env=POINTERS),
    )


def library_files(place: Path) -> tuple[Step, ...]:
    """Steps that bring the nested submodules and the static libraries, which are git-lfs files."""
    here = ("-C", str(place))
    return (
        git(
            "Fetch the nested submodules",
            *(*here, "submodule", "update", "--init", "--recursive", "--depth=1"),
            env=POINTERS,
        ),
        git("Turn git-lfs on in this checkout", *here, "lfs", "install", "--local"),
        git("Pull the git-lfs files", *here, "lfs", "pull"),
        git(
            "Look for files that are still git-lfs pointers",
            *here,
            "lfs",
            "ls-files",
            tool=LFS,
            why="a pointer would break the link step, hours later; each line must have * and not -",
        ),
    )
