"""Reads contracts from where a person has them: a checkout, or an image, whose files are copied out and never run."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from environment.contracts.extraction.contracts import Extracted, extract
from environment.errors import Trouble, Usage

SUFFIXES = {".py", ".cpp", ".pbtxt"}
LARGEST = 20_000_000  # bytes; the largest source file of any release is under 1 MB
FOLDERS = {
    "/app/tensorrt_llm/examples": "tensorrt_llm/examples",
    "/app/tensorrt_llm/benchmarks": "tensorrt_llm/benchmarks",
    "/app/tensorrt_llm/scripts": "tensorrt_llm/scripts",
    "/app/tensorrt_llm/tensorrt_llm": "tensorrt_llm/tensorrt_llm",
    "/app/tensorrt_llm/triton_backend": "tensorrt_llm/triton_backend",
    "/usr/local/lib/python3.10/dist-packages/tensorrt_llm": "tensorrt_llm/tensorrt_llm",
    "/usr/local/lib/python3.12/dist-packages/tensorrt_llm": "tensorrt_llm/tensorrt_llm",
    "/app/examples": "tensorrt_llm/examples",
    "/app/all_models": "all_models",
    "/app/tools": "tools",
    "/app/scripts": "scripts",
    "/app/client": "inflight_batcher_llm/client",
}


def read(source: str, image: str, tag: str) -> Extracted:
    """What a checkout or an image says of a release; raises Usage unless exactly one of the two is named."""
    if bool(source) == bool(image):
        raise Usage("name one of --source DIR and --image REF", mend=f"invoke contract --release {tag} --source DIR")
    return of_image(image, tag) if image else extract(Path(source), tag)


def of_image(reference: str, tag: str) -> Extracted:
    """What the files of an image say; raises Trouble when it is not on this host or carries no source."""
    from environment.container import connect

    engine = connect()
    if (image := engine.image(reference)) is None:
        raise Trouble(f"the image {reference} is not on this host", mend=f"docker pull {reference}")
    with tempfile.TemporaryDirectory() as folder:
        for path, stream in engine.archives(image.id, FOLDERS):
            unpack(stream, Path(folder) / FOLDERS[path])
        return extract(Path(folder), tag, f"{reference}@{image.id}")


def unpack(stream: Iterable[bytes], folder: Path) -> None:
    """Writes the source files of a tar stream under `folder`, whose first path part is left out.

    Links, devices, paths that lead outside, and files too large to be source are passed over. Raises Trouble for a
    stream that ends early.
    """
    try:
        _unpack(stream, folder)
    except tarfile.TarError as error:
        raise Trouble(f"the copy of {folder.name} out of the image broke off: {error}", mend="run it again") from error


def _unpack(stream: Iterable[bytes], folder: Path) -> None:
    with tarfile.open(fileobj=io.BufferedReader(_Stream(stream)), mode="r|") as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts[1:]
            source = member.isfile() and PurePosixPath(member.name).suffix in SUFFIXES and member.size <= LARGEST
            if source and parts and ".." not in parts and (file := archive.extractfile(member)) is not None:
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read())


class _Stream(io.RawIOBase):
    """An iterable of bytes as a file that can be read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks, self.rest = iter(chunks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            chunk = next(self.chunks, None)
            if chunk is None:
                return 0
            self.rest = memoryview(chunk)
        taken = self.rest[: len(buffer)]
        self.rest = self.rest[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)
