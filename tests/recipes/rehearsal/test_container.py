"""The stand-in image's templates and tools: what a release has, no more and no less."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.artifacts.engine import Engine, read_engine
from environment.artifacts.tensorrt_plan import Plan
from environment.contracts import placeholders
from environment.data import read_toml
from environment.releases import find
from recipes.model_repository import placeholders_in
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.container.context import templates
from recipes.rehearsal.container.tools import COMPUTE, main
from recipes.rehearsal.tensors import FOLDER, Tensors

RELEASES = sorted(tag for path in FOLDER.glob("*.toml") for tag in read_toml(path, Tensors).releases)


@pytest.mark.parametrize("tag", RELEASES)
def test_templates_have_the_releases_placeholders(tag: str) -> None:
    made = templates(find(tag))
    for model, wanted in placeholders(tag).items():
        text = made[f"{model}/config.pbtxt"]
        assert set(placeholders_in(text)) == {placeholder.name for placeholder in wanted}
        assert "whole_characters" not in text


def test_an_engine_is_one_of_the_release_and_of_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPUTE, "9.0")
    converted, built = tmp_path / "converted", tmp_path / "built"
    words = ("--model_dir", str(SHIPPED), "--output_dir", str(converted), "--dtype", "float16", "--tp_size", "2")
    assert main("v0.10.0", "convert_checkpoint-qwen", words) == 0
    limits = ("--max_batch_size", "4", "--max_input_len", "64", "--max_output_len", "32")
    assert (
        main("v0.10.0", "trtllm-build", ("--checkpoint_dir", str(converted), "--output_dir", str(built), *limits)) == 0
    )
    found = read_engine(built)
    assert isinstance(found, Engine)
    assert found.complete
    assert (found.mapped.world_size, found.limits.max_batch_size, found.longest_sequence) == (2, 4, 96)
    heads = {(rank.head.tensorrt, rank.head.compute) for rank in found.ranks if isinstance(rank.head, Plan)}
    assert heads == {((10, 0, 1, 6), (9, 0))}


def test_a_word_that_the_release_does_not_know_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("v0.10.0", "trtllm-build", ("--checkpoint_dir", "x", "--max_batch_sise", "4")) == 2
    assert "--max_batch_sise" in capsys.readouterr().err
