"""A library keeps every loadable byte and stays importable."""

from __future__ import annotations

import _ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environment import debug_info


def test_loadable_segments_of_a_real_library_lie_inside_the_file() -> None:
    image = Path(_ctypes.__file__).read_bytes()
    parts = debug_info.loadable(image)
    assert parts
    assert all(0 <= part.start <= part.stop <= len(image) for part in parts)


def test_text_is_left_alone(tmp_path: Path) -> None:
    script = tmp_path / "libx.so"
    script.write_text("/* GNU ld script */ INPUT(-lc)")
    debug_info.free(script)
    assert script.read_text() == "/* GNU ld script */ INPUT(-lc)"


def test_a_freed_library_still_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Path(shutil.copy(_ctypes.__file__, tmp_path))
    before, inode = library.stat().st_size, library.stat().st_ino
    mapped = library.open("rb")
    whole = mapped.read()
    monkeypatch.setattr(debug_info, "WORTH_FREEING", 1)
    debug_info.free(library)
    assert (library.stat().st_size, library.stat().st_ino == inode) == (before, False)
    mapped.seek(0)
    assert mapped.read() == whole, "a running process keeps what it mapped"
    mapped.close()
    assert [path.name for path in tmp_path.iterdir()] == [library.name]
    subprocess.run([sys.executable, "-c", "import _ctypes"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-c", f"import ctypes; ctypes.CDLL({str(library)!r})"], check=True)
