from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from environment.artifacts.kinds import Artifact, Kind, kind_of, read_artifact
from tests.doctor.plans import LFS_POINTER, plan
from tests.environment.artifacts import engine_folders, repository_folders
from tests.environment.artifacts.safetensors_files import write
from tests.environment.artifacts.test_checkpoint import QWEN2, folder


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_each_kind_is_told_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "tok").mkdir()
    (tmp_path / "tok" / "tokenizer.json").touch()
    said = json.dumps({"task": "detect"}).encode()
    expected: dict[Path, Kind] = {
        put(tmp_path / "no-extension", plan("8.6.0.12")): "tensorrt-plan",
        put(tmp_path / "old.trt", plan("8.5.3.1")): "tensorrt-plan",
        put(tmp_path / "yolo.engine", struct.pack("<I", len(said)) + said + plan("8.6.0.12")): "ultralytics-engine",
        put(tmp_path / "rank0.engine", LFS_POINTER): "git-lfs-pointer",
        put(tmp_path / "model.plan", b"hello"): "unknown",
        put(tmp_path / "empty.engine", b""): "unknown",
        put(tmp_path / "yolo2.engine", struct.pack("<I", len(said)) + said + b"nothing"): "unknown",
        write(tmp_path / "m.safetensors"): "safetensors",
        engine_folders.engine(tmp_path / "engine"): "tensorrt-llm-engine",
        engine_folders.checkpoint(tmp_path / "converted"): "tensorrt-llm-checkpoint",
        folder(tmp_path / "hf", QWEN2): "huggingface-checkpoint",
        folder(tmp_path / "other", {"a": 1}): "unknown",
        repository_folders.repository(tmp_path / "repo"): "model-repository",
        repository_folders.model(tmp_path, "one", ""): "model-repository",
        tmp_path / "tok": "tokenizer",
    }
    assert {path.name: kind_of(path) for path in expected} == {path.name: kind for path, kind in expected.items()}


@pytest.mark.timeout(60)
def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("link")
    for name in ("fifo", "link", "absent"):
        found = read_artifact(tmp_path / name)
        assert (found.kind, found.size) == ("unknown", None)
    assert isinstance(read_artifact(tmp_path), Artifact)
