"""What a fetched checkpoint or data set records about itself: where it came from, and the SHA-256 of every file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from environment.data import Record, read_json

NAME = "sha256.json"
SMALL = 32_000_000  # bytes: configurations, tokenizers, code


class Fetched(Record, frozen=True, kw_only=True):
    """A repository of a hub at a revision, or those of its files that `include` names; `sha256` by path in it."""

    repository: str
    revision: str
    include: tuple[str, ...] = ()
    sha256: dict[str, str]

    @property
    def name(self) -> str:
        """How a lock names it."""
        return f"{self.repository}@{self.revision}"


def recorded(folder: Path) -> dict[str, dict[str, str]]:
    """Name -> path -> SHA-256 of everything in `folder` that was fetched whole. Raises Trouble for a damaged record.

    Small files, which are those that people edit, are read again; of weights stands what was recorded at the download.
    """
    notes = {path.parent: read_json(path, Fetched) for path in sorted(folder.glob(f"*/{NAME}"))}
    return {
        note.name: {name: as_it_is(place / name, sha256) for name, sha256 in note.sha256.items()}
        for place, note in notes.items()
    }


def as_it_is(file: Path, recorded: str) -> str:
    """The SHA-256 of a small file now; what was recorded of a large one; "" for one that is gone."""
    try:
        if file.stat().st_size > SMALL:
            return recorded
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
