"""Where libpython comes from, with an apt-get and a dpkg-deb that do only what the real ones were seen to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from environment.errors import Trouble
from recipes.rehearsal import libpython

APT = """
words = [word for word in sys.argv[1:] if word != "-o" and not word.startswith("Dir::")]
private = len(words) < len(sys.argv) - 1
if words == ["update"] and private:
    sys.exit(0)
if words == ["download", "{package}"] and (private or {has_lists}):
    open("{package}_1_amd64.deb", "w").close()
    sys.exit(0)
sys.exit("E: Unable to locate package " + words[-1])
"""
DPKG = """
flag, package, into = sys.argv[1:]
assert flag == "-x" and package.endswith("_1_amd64.deb")
import pathlib
place = pathlib.Path(into, "usr/lib/x86_64-linux-gnu")
place.mkdir(parents=True)
(place / "{library}").write_bytes(b"ELF")
"""


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n{text}")
    path.chmod(0o755)


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose Python has its library built in; returns the folder of its programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(libpython, "KEPT", tmp_path / "venv" / "lib")
    monkeypatch.setattr(libpython, "LIBRARY", "libpython9.99.so.1.0")
    monkeypatch.setattr(libpython, "PACKAGE", "libpython9.99")
    return programs


@pytest.mark.parametrize("has_lists", [True, False])
def test_it_is_taken_from_the_mirror_once(debian: Path, has_lists: bool) -> None:
    program(debian, "apt-get", APT.format(package="libpython9.99", has_lists=has_lists))
    program(debian, "dpkg-deb", DPKG.format(library="libpython9.99.so.1.0"))
    assert libpython.folder() == libpython.KEPT
    assert (libpython.KEPT / "libpython9.99.so.1.0").read_bytes() == b"ELF"
    (debian / "apt-get").unlink()
    assert libpython.folder() == libpython.KEPT


def test_without_apt_the_package_is_named(debian: Path) -> None:
    with pytest.raises(Trouble, match=r"apt-get is not installed(.|\n)*apt-get install libpython9.99"):
        libpython.folder()


def test_what_apt_says_is_told(debian: Path) -> None:
    program(debian, "apt-get", "sys.exit('E: Could not resolve packages.example')")
    with pytest.raises(Trouble, match="Could not resolve"):
        libpython.folder()
    assert not libpython.KEPT.exists()


def test_this_python_has_one() -> None:
    place = libpython.folder()
    assert place is None or (place / libpython.LIBRARY).exists() or os.name != "posix"
