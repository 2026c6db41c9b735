"""Compares files of a download with the SHA-256 sums recorded when they were fetched. Reads every byte: `--deep` only.

huggingface_hub names the blobs of its cache by their SHA-256 (LFS files), and writes it as etag into the second line of
`.cache/huggingface/download/*.metadata` of a local download: src/huggingface_hub/_local_folder.py and file_download.py.
`invoke fetch` records those of all files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from environment.artifacts.heads import names_in, read, read_json
from environment.data import Value
from environment.fetched import NAME
from environment.unknown import Unknown

SHA256 = re.compile(r"[0-9a-f]{64}")
NOTES = Path(".cache/huggingface/download")
CHUNK = 1 << 22  # bytes


class Digest(Value, frozen=True, kw_only=True):
    """One file, the sum recorded for it, and the sum it has."""

    name: str
    recorded: str
    actual: str | Unknown


def read_digests(folder: Path) -> tuple[Digest, ...] | Unknown:
    """A digest for each file of the folder that has a recorded sum."""
    names = names_in(folder)
    if isinstance(names, Unknown):
        return names
    own = _fetched(folder)
    recorded = {name: sum_ for name in names if (sum_ := recorded_sum(folder, name) or own.get(name, ""))}
    return tuple(Digest(name=name, recorded=sum_, actual=_sum(folder / name)) for name, sum_ in recorded.items())


def _fetched(folder: Path) -> Mapping[str, str]:
    """The sums that `invoke fetch` recorded, by the file's path; empty where it left no record, or a broken one."""
    said = read_json(folder / NAME)
    sums = said.get("sha256") if isinstance(said, Mapping) else None
    pairs = sums.items() if isinstance(sums, Mapping) else ()
    return {name: sum_ for name, sum_ in pairs if isinstance(sum_, str) and SHA256.fullmatch(sum_)}


def recorded_sum(folder: Path, name: str) -> str:
    """The SHA-256 recorded for a file at its download; '' where there is none."""
    blob = (folder / name).readlink().name if (folder / name).is_symlink() else ""
    if SHA256.fullmatch(blob):
        return blob
    note = read(folder / NOTES / f"{name}.metadata", 4096)
    lines = [] if isinstance(note, Unknown) else note.data.decode("ascii", "replace").splitlines()
    return lines[1] if len(lines) > 1 and SHA256.fullmatch(lines[1]) else ""


def _sum(path: Path) -> str | Unknown:
    import hashlib

    digest, offset = hashlib.sha256(), 0
    while True:
        part = read(path, CHUNK, offset)
        if isinstance(part, Unknown):
            return part
        if not part.data:
            return digest.hexdigest()
        digest.update(part.data)
        offset += len(part.data)
