"""The files of an image are copied out of a tar stream: only source, and only inside the folder."""

import io
import tarfile
from pathlib import Path

import pytest

from environment.contracts.extraction.reading import LARGEST, read, unpack
from environment.errors import Trouble, Usage


def tar(*members: tuple[str, bytes], links: tuple[tuple[str, str], ...] = ()) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return content.getvalue()


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [1, 7, 512, 100_000])
def test_source_files_are_copied_whatever_the_chunks(size: int, tmp_path: Path) -> None:
    stream = tar(("examples/run.py", b"one"), ("examples/qwen/a.cpp", b"two" * 999), ("examples/README.md", b"three"))
    unpack((stream[at : at + size] for at in range(0, len(stream), size)), tmp_path / "out")
    assert written(tmp_path / "out") == {"run.py": b"one", "qwen/a.cpp": b"two" * 999}


@pytest.mark.parametrize("name", ["examples/../../evil.py", "/etc/../../evil.py", "../evil.py", ".."])
def test_nothing_is_written_outside(name: str, tmp_path: Path) -> None:
    unpack([tar((name, b"evil"))], tmp_path / "out")
    assert all(path.startswith("out/") for path in written(tmp_path))


def test_links_and_large_files_are_passed_over(tmp_path: Path) -> None:
    large = ("examples/large.py", bytes(LARGEST + 1))
    unpack([tar(large, ("examples/run.py", b"one"), links=(("examples/link.py", "/etc/passwd"),))], tmp_path)
    assert written(tmp_path) == {"run.py": b"one"}


def test_a_stream_that_is_cut_is_an_error_and_no_hang(tmp_path: Path) -> None:
    stream = tar(("examples/run.py", b"x" * 5000))
    with pytest.raises(Trouble, match="broke off"):
        unpack([stream[:2000]], tmp_path)


@pytest.mark.parametrize(("source", "image"), [("", ""), ("here", "there")])
def test_one_place_to_read_is_named(source: str, image: str) -> None:
    with pytest.raises(Usage, match="--source DIR and --image REF"):
        read(source, image, "v0.10.0")
