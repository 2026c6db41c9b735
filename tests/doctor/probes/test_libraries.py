"""The libraries of MPI are looked for as the dynamic linker does, which passes over a folder that is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from doctor.probes import libraries


def test_only_files_of_mpi_are_found_and_a_folder_that_cannot_be_listed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    for name in ("libmpi.so.40", "libmpi.txt", "libz.so.1"):
        (tmp_path / "open" / name).touch()
    listed = os.listdir

    def refusing(folder: Path) -> list[str]:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "listdir", refusing)
    assert [*libraries.files(tmp_path, ("/closed", "/nowhere", "/open"))] == ["/open/libmpi.so.40"]
