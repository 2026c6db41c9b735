"""What a lock says of fetched files: small ones as they are, weights as they were recorded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from environment import fetched
from environment.fetched import NAME, recorded


def test_an_edited_a_missing_and_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "SMALL", 10)
    place = tmp_path / "qwen2"
    place.mkdir()
    note = {"repository": "a/b", "revision": "c", "sha256": dict.fromkeys(("config.json", "gone.json", "large"), "00")}
    place.joinpath(NAME).write_text(json.dumps(note))
    place.joinpath("config.json").write_text("edited")
    place.joinpath("large").write_text("x" * 11)
    edited = hashlib.sha256(b"edited").hexdigest()
    assert recorded(tmp_path) == {"a/b@c": {"config.json": edited, "gone.json": "", "large": "00"}}
