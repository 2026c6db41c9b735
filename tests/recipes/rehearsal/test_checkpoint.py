"""Every way a model directory can be wrong is told before anything is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from environment.errors import Trouble
from recipes.rehearsal.checkpoint import checked
from tests.recipes.rehearsal.checkpoints import CONFIG, random_weights, write_checkpoint

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def remote_code(folder: Path) -> None:
    config = {**CONFIG, "auto_map": {"AutoModelForCausalLM": "modeling_x.X"}}
    (folder / "config.json").write_text(json.dumps(config))


def truncated(folder: Path) -> None:
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (emptied, "is empty"),
    (truncated, r"model-00002-of-00002.safetensors: \d+ bytes, its header promises \d+"),
    (pickled, r"no safetensors weights(.|\n)*only pickles: pytorch_model.bin"),
    (remote_code, r"needs remote code(.|\n)*modeling_x.X"),
    (lambda f: (f / "model-00001-of-00002.safetensors").unlink(), "model-00001-of-00002.safetensors"),
    (lambda f: (f / "model-00001-of-00002.safetensors").write_text(POINTER), r"not downloaded(.|\n)*git-lfs pointers"),
    (lambda f: (f / "config.json").write_text("{"), "config.json is not valid JSON"),
    (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "config.json is not valid JSON"),
    (lambda f: (f / "config.json").unlink(), "config.json"),
    (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
    (
        lambda f: (f / "tokenizer.json").write_text('{"a":'),
        "the tokenizer is not whole: tokenizer.json is not valid JSON",
    ),
    (lambda f: (f / "tokenizer.json").write_text(POINTER), r"not downloaded(.|\n)*in place of tokenizer.json"),
]


@pytest.mark.parametrize(("spoil", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_what_is_wrong_is_said(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    folder = write_checkpoint(tmp_path / "model", CONFIG, random_weights(CONFIG, bias=False), shards=2)
    assert checked(folder).complete
    spoil(folder)
    with pytest.raises(Trouble, match=words):
        checked(folder)


def test_remote_code_is_accepted_from_someone_who_has_read_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", CONFIG, random_weights(CONFIG, bias=False), shards=2)
    remote_code(folder)
    assert checked(folder, allow_remote_code=True).remote_code


def test_a_missing_directory_and_a_file_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(Trouble, match="no model directory"):
            checked(path)
