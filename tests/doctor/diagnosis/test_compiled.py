"""Compiled patterns are kept for the next start, and never taken for others or when they are damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.diagnosis import compiled
from doctor.diagnosis.signatures import Signatures
from environment.kept import allowed

PATTERNS = ("out of memory", "^fatal: ")
LOG = b"fatal: cuda is out of memory\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "kept")
    monkeypatch.setattr(compiled, "allowed", lambda: True)
    return tmp_path / "kept"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_kept_finds_the_same(folder: Path) -> None:
    first = Signatures(PATTERNS).present(LOG)
    [kept] = names(folder)
    written = (folder / kept).stat().st_mtime_ns
    assert Signatures(PATTERNS).present(LOG) == first == {0, 1}
    assert (folder / kept).stat().st_mtime_ns == written


def test_other_patterns_take_its_place(folder: Path) -> None:
    Signatures(PATTERNS)
    before = names(folder)
    assert Signatures(("nothing",)).present(LOG) == set()
    assert len(names(folder)) == 1
    assert names(folder) != before


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_what_is_damaged_is_made_anew(folder: Path, damage: bytes | None) -> None:
    Signatures(PATTERNS)
    [kept] = folder.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert Signatures(PATTERNS).present(LOG) == {0, 1}
    assert kept.read_bytes() == whole


def test_nothing_is_kept_where_python_keeps_no_bytecode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "allowed", lambda: False)
    assert Signatures(PATTERNS).present(LOG) == {0, 1}
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_left_alone(folder: Path) -> None:
    folder.write_text("in the way")
    assert Signatures(PATTERNS).present(LOG) == {0, 1}


def test_patterns_of_another_kind_are_kept_beside_them(folder: Path) -> None:
    Signatures(PATTERNS)
    Signatures(("nothing",), "words")
    assert [name.partition("-")[0] for name in names(folder)] == ["patterns", "words"]


def test_what_invoke_forbids_itself_is_kept_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoke sets `sys.dont_write_bytecode` in every run: what counts is what the person told Python."""
    forbidden = allowed()
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert allowed() == forbidden == (not os.environ.get("PYTHONDONTWRITEBYTECODE"))
