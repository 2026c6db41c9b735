"""A real checkout with a real submodule: whole, moved on, never fetched, and with pointers for libraries."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from doctor.facts.source import Source, parse
from doctor.probes.source import probes
from doctor.probes.taking import take
from environment.errors import Usage
from environment.unknown import Unknown

QUIET = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *QUIET, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    for folder in (inner, outer):
        folder.mkdir()
        git(folder, "init", "-q")
    (inner / "libx.a").write_bytes(b"!<arch>\n")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "one")
    git(outer, "submodule", "add", "-q", str(inner), "tensorrt_llm")
    git(outer, "commit", "-qm", "two")
    return outer


def look(folder: Path) -> Source:
    source = parse(take(probes(str(folder))))
    assert source is not None
    return source


def test_a_whole_checkout(checkout: Path) -> None:
    source = look(checkout)
    assert source.head == git(checkout, "rev-parse", "HEAD")
    assert source.pinned == source.there == git(checkout / "tensorrt_llm", "rev-parse", "HEAD")
    assert source.pointers == ()


def test_a_submodule_that_moved_on(checkout: Path) -> None:
    git(checkout / "tensorrt_llm", "commit", "-q", "--allow-empty", "-m", "three")
    source = look(checkout)
    assert source.there != source.pinned


def test_a_submodule_that_was_never_fetched(checkout: Path) -> None:
    git(checkout, "submodule", "--quiet", "deinit", "--force", "tensorrt_llm")
    assert look(checkout).there is None


def test_pointers_where_libraries_should_be(checkout: Path) -> None:
    (checkout / "tensorrt_llm" / "libx.a").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )
    assert look(checkout).pointers == ("tensorrt_llm/libx.a",)


def test_what_is_no_checkout_is_unknown(tmp_path: Path) -> None:
    source = look(tmp_path)
    assert isinstance(source.head, Unknown)
    assert isinstance(source.pinned, Unknown)


def test_what_is_no_folder_is_a_slip_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="missing is no folder"):
        look(tmp_path / "missing")


def test_what_was_changed_is_named_and_no_filter_of_the_checkout_is_run(checkout: Path, tmp_path: Path) -> None:
    assert look(checkout).changed == ()
    (checkout / "a file").write_text("one")
    (checkout / ".gitattributes").write_text("* filter=own\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "three")
    for name in ("clean", "process"):
        git(checkout, "config", f"filter.own.{name}", f"touch {tmp_path}/ran-{name}; cat")
    assert look(checkout).changed == ()
    (checkout / "a file").write_text("more than one")
    assert look(checkout).changed == ("a file",)
    assert not [*tmp_path.glob("ran-*")]
