"""A bundle holds readings and nothing else, and is read as if an enemy had written it."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from doctor import bundle
from doctor.facts.readings import Reading
from environment.errors import Trouble, Usage

READINGS = {"proc/meminfo": Reading(text="MemTotal: 1 kB\n"), "nvml": Reading(status="absent", reason="not there")}


def written(tmp_path: Path, words: bytes | str) -> Path:
    file = tmp_path / "bundle"
    file.write_bytes(words.encode() if isinstance(words, str) else words)
    return file


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    bundle.save(READINGS, file)
    assert bundle.load(file) == READINGS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="cannot write"):
        bundle.save(READINGS, tmp_path / "missing" / "b.json")


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\x1f\x8b\x08 a tar.gz",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"schema": "bundle/1"',
        '{"schema": "bundle/2", "readings": {}}',
        '{"schema": "bundle/1"}',
        '{"schema": "bundle/1", "readings": {}, "more": 1}',
        '{"schema": "bundle/1", "readings": {"../../etc/passwd": {}}}',
        '{"schema": "bundle/1", "readings": {"/etc/passwd": {}}}',
        '{"schema": "bundle/1", "readings": {"a/../b": {}}}',
        '{"schema": "bundle/1", "readings": {"a\\u0000": {}}}',
        '{"schema": "bundle/1", "readings": {"a": {"text": 7}}}',
        '{"schema": "bundle/1", "readings": {"a": {"status": "pass"}}}',
        '{"schema": "bundle/1", "readings": ' + "[" * 100_000,
        json.dumps({"schema": "bundle/1", "readings": {f"r{number}": {} for number in range(300)}}),
        '{"schema": "bundle/1", "readings": {"a": {"text": "\\ud800"}}}',
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, words: bytes | str) -> None:
    with pytest.raises(Usage, match="is not a bundle"):
        bundle.load(written(tmp_path, words))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = written(tmp_path, "{")
    os.truncate(file, 1 << 40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Usage, match="at most 32 MiB"):
        bundle.load(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Usage):
        bundle.load(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(Usage):
        bundle.load(tmp_path / name)


def test_no_control_character_reaches_a_terminal(tmp_path: Path) -> None:
    nasty = {"schema": "bundle/1", "readings": {"a": {"text": "x\x1b]0;owned\x07\u202ey", "reason": "\x1b[2J"}}}
    taken = bundle.load(written(tmp_path, json.dumps(nasty)))["a"]
    assert not {"\x1b", "\x07", "\u202e"} & set(taken.text + taken.reason)
