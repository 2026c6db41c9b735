"""What is odd on a host spoils no more than its own reading."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from doctor.probes import host
from doctor.probes.host import disk, probes
from doctor.probes.taking import take

KERNEL = 0  # the first probe of a host: the kernel's files, the environment, limits, devices


def test_words_that_are_no_text_are_marked_and_take_no_reading_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / os.fsdecode(b"w\xff")
    odd.mkdir()
    monkeypatch.setenv("HTTP_PROXY", os.fsdecode(b"http://\xff:3128"))
    readings = take((probes({}, 1)[KERNEL], disk("work", odd)))
    assert msgspec.json.decode(readings["environment"].text)["HTTP_PROXY"] == "http://\ufffd:3128"
    assert readings["limits"].status == readings["devices"].status == "read"
    assert msgspec.json.decode(readings["disk/work"].text)["path"] == f"{tmp_path}/w\ufffd"


def test_a_folder_of_devices_that_may_not_be_listed_spoils_only_its_own_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> object:
        raise PermissionError(13, "Permission denied", "/etc/cdi")

    monkeypatch.setattr(host, "_devices", refused)
    readings = take((probes({}, 1)[KERNEL],))
    assert [name for name, taken in readings.items() if taken.status == "failed"] == ["devices"]


@pytest.mark.parametrize(("mode", "writable"), [(0o755, True), (0o555, os.geteuid() == 0)])
def test_whether_a_folder_may_be_written_is_asked_of_the_file_system(tmp_path: Path, mode: int, writable: bool) -> None:
    tmp_path.chmod(mode)
    assert msgspec.json.decode(take((disk("work", tmp_path),))["disk/work"].text)["writable"] is writable


def test_a_file_is_no_folder_to_write_into(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert msgspec.json.decode(take((disk("work", tmp_path / "file"),))["disk/work"].text)["writable"] is False
