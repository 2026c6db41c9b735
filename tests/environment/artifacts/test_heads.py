from __future__ import annotations

import os
from pathlib import Path

import pytest

from environment.artifacts.heads import Damaged, Head, names_in, read, read_json
from environment.unknown import Unknown


def test_reads_some_bytes_and_tells_the_whole_size(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    assert read(file, 3, 2) == Head(data=b"234", file_size=10)


def test_follows_links_as_a_hugging_face_cache_needs(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"x")
    (tmp_path / "link").symlink_to("blob")
    assert read(tmp_path / "link", 1) == Head(data=b"x", file_size=1)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["fifo", "folder", "dangling", "loop", "device", "absent", "nul"])
def test_what_is_no_regular_file_is_unknown_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to("it")
    path = {"device": Path("/dev/zero"), "nul": Path("a\0b")}.get(kind, path)
    assert isinstance(read(path, 1), Unknown)
    assert isinstance(read_json(path), Unknown)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": 1',
        b"\xff\xfe{}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 9999,
        b'{"a": "\\ud800"}',
    ],
)
def test_bad_json_is_said_to_be_damaged(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "config.json").write_bytes(text)
    assert isinstance(read_json(tmp_path / "config.json"), Damaged)


def test_json_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    answer = read_json(tmp_path / "config.json")
    assert isinstance(answer, Unknown)
    assert "1099511627776 bytes" in answer.reason


def test_a_git_lfs_pointer_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert read_json(tmp_path / "config.json") == Damaged("config.json is a git-lfs pointer, not the file itself")


def test_lists_a_folder_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "cab":
        (tmp_path / name).touch()
    assert names_in(tmp_path) == ("a", "b", "c")
    monkeypatch.setattr("environment.artifacts.heads.ENTRY_LIMIT", 2)
    assert isinstance(names_in(tmp_path), Unknown)
    assert isinstance(names_in(tmp_path / "a"), Unknown)
