"""What a fetched checkpoint or data set records about itself: where it came from, and the SHA-256 of every file."""

from __future__ import annotations

from pathlib import Path

from environment.data import Record, read_json

NAME = "sha256.json"


class Fetched(Record, frozen=True, kw_only=True):
    """A repository of a hub at a revision; `sha256` by path in it."""

    repository: str
    revision: str
    sha256: dict[str, str]

    @property
    def name(self) -> str:
        """How a lock names it."""
        return f"{self.repository}@{self.revision}"


def recorded(folder: Path) -> dict[str, dict[str, str]]:
    """Name -> path -> SHA-256 of everything in `folder` that was fetched whole. Raises Trouble for a damaged record."""
    notes = [read_json(path, Fetched) for path in sorted(folder.glob(f"*/{NAME}"))]
    return {note.name: note.sha256 for note in notes}
