"""A recipe of one's own is a copy that can be used at once, and never takes the place of another file."""

from __future__ import annotations

import errno
from io import StringIO
from pathlib import Path

import pytest

from environment.errors import Trouble, unusable
from recipes import drafting
from recipes.drafting import draft
from recipes.recipe import find, names, read
from tests.command_line import invoke


@pytest.mark.parametrize("source", names())
def test_a_copy_of_every_shipped_recipe_is_a_recipe(source: str, tmp_path: Path) -> None:
    assert read(draft("mine", source, tmp_path)) == find(source)


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("a/b", "qwen2", "no usable name"),
        ("qwen2", "qwen2", "there is a shipped recipe 'qwen2'"),
        ("mine", "qwen", "did you mean 'qwen2'?"),
    ],
)
def test_what_cannot_be_a_recipe_is_refused(name: str, source: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        draft(name, source, tmp_path)
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(Trouble, match="is there already"):
        draft("mine", "qwen2", tmp_path)
    assert (tmp_path / "mine.toml").read_text(encoding="utf-8") == "mine"
    with pytest.raises(Trouble, match="cannot write"):
        draft("mine", "qwen2", tmp_path / "nowhere")


def test_a_full_disk_leaves_no_half_of_one(tmp_path: Path) -> None:
    """It left an empty file, which was then `there already`."""

    class Full(StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "mine.toml"
    path.touch()
    with pytest.raises(OSError, match="No space left"):
        drafting._write(Full(), "text", path)
    assert not path.exists()
    full = unusable(OSError(errno.ENOSPC, "No space left on device"), path, "write")
    assert full.mend == f"df -h {tmp_path}   shows how full it is"


def test_the_option_that_is_missing_is_called_as_it_is_typed(tmp_path: Path) -> None:
    said = invoke("recipe", "--new", "mine", workspace=tmp_path)
    assert said.returncode == 2
    assert "'--from'" in said.stderr


def test_the_task_makes_one_that_can_be_planned(tmp_path: Path) -> None:
    made = invoke("recipe", "--new", "mine", "--from", "qwen2", "--into", str(tmp_path), workspace=tmp_path)
    assert made.returncode == 0, made.stderr
    path = tmp_path / "mine.toml"
    planned = invoke("build", "mine", "--recipe-file", str(path), "--dry", workspace=tmp_path)
    assert planned.stdout.startswith("#!/bin/sh\n# Build Qwen2 7B Instruct")
