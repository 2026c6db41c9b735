"""What is kept of a TOML file is exactly its value, and only as long as the file stays what it was."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from environment import kept
from environment.data import Record, read_toml
from environment.errors import Trouble
from environment.workspace import PROJECT

FILES = sorted(path for floor in kept.FLOORS for path in (PROJECT / floor).rglob("*.toml"))


class Row(Record, frozen=True, kw_only=True):
    """A file of the tests."""

    name: str
    size: int = 0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for the project, where bytecode may be written."""
    monkeypatch.setattr(kept, "PROJECT", tmp_path)
    monkeypatch.setattr(kept, "allowed", lambda: True)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "row.toml").write_text('name = "one"\n')
    return tmp_path / "a" / "row.toml"


def test_json_can_say_all_that_the_projects_files_hold() -> None:
    differing = [path for path in FILES if msgspec.json.decode(msgspec.json.encode(v := kept.parsed(path))) != v]
    assert FILES
    assert not differing


def test_a_file_is_kept_and_read_again(project: Path) -> None:
    assert read_toml(project, Row) == Row(name="one")
    assert kept.kept(project) == b'{"name":"one"}'
    assert read_toml(project, Row) == Row(name="one")


def test_a_changed_file_is_read_anew(project: Path) -> None:
    read_toml(project, Row)
    project.write_text('name = "two"\n')
    os.utime(project, ns=(1, 1))
    assert kept.kept(project) is None
    assert read_toml(project, Row) == Row(name="two")


def test_what_was_kept_does_not_outlive_a_changed_kind(project: Path) -> None:
    read_toml(project, Row)
    with pytest.raises(Trouble, match=r"row\.toml is not a valid Other"):
        read_toml(project, type("Other", (Record,), {"__annotations__": {"name": int}}, kw_only=True, frozen=True))


@pytest.mark.parametrize("junk", [b"", b"1 2\n{}", b"\xff\n", b'{"name": "three"}'])
def test_junk_in_its_place_is_passed_over(project: Path, junk: bytes) -> None:
    read_toml(project, Row)
    (project.parent / "__pycache__" / "row.toml.json").write_bytes(junk)
    assert read_toml(project, Row) == Row(name="one")


def test_nothing_is_put_beside_other_peoples_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "allowed", lambda: True)
    (tmp_path / "mine.toml").write_text('name = "mine"\n')
    assert read_toml(tmp_path / "mine.toml", Row) == Row(name="mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_nothing_is_written_where_python_writes_no_bytecode(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "allowed", lambda: False)
    read_toml(project, Row)
    assert not (project.parent / "__pycache__").exists()


def test_a_date_is_not_kept_as_a_text(project: Path) -> None:
    project.write_text("name = 2026-11-27\n")
    kept.keep(project, kept.parsed(project))
    assert kept.kept(project) is None


def test_a_folder_that_cannot_be_written_is_left_alone(project: Path) -> None:
    (project.parent / "__pycache__").write_text("no folder")
    assert read_toml(project, Row) == Row(name="one")
