"""Engines are whole and never confused: verified, published once, listed, cleaned up after."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from environment.artifacts.engine import Engine, read_engine
from environment.artifacts.tensorrt_plan import Plan as EnginePlan
from environment.errors import Trouble
from environment.workspace import Workspace
from recipes import engine_store
from recipes.deployment import Ports, deploy
from recipes.engine_list import rows
from recipes.engine_store import MANIFEST, Asked, alone, asked_of, finish, finished, publish, remains
from tests.command_line import invoke
from tests.environment.artifacts.engine_folders import engine
from tests.waiting import PATIENCE


def tensorrt_of(folder: Path) -> str:
    found = read_engine(folder)
    assert isinstance(found, Engine)
    assert isinstance(found.ranks[0].head, EnginePlan)
    return ".".join(map(str, found.ranks[0].head.tensorrt or ()))


def built(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return engine(target.with_name(f"{target.name}.partial"))


def said(folder: Path, **other: Any) -> str:
    asked = Asked(
        recipe="qwen2",
        variant="",
        identity="0123456789ab",
        release="v0.10.0",
        checkpoint=("Qwen/Qwen2", "main"),
        dtype="float16",
        quantization="fp8",
        kv_cache_dtype="fp8",
        features={},
        **{
            "tensorrt": tensorrt_of(folder),
            "compute": "",
            "tensor_parallel": 2,
            "pipeline_parallel": 1,
            "max_batch_size": 8,
            "max_input_len": 3072,
            "max_output_len": 1024,
            **other,
        },
    )
    return msgspec.json.encode(asked).decode()


def test_a_verified_engine_gets_its_manifest_and_its_name(tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    made = publish(target, said(built(target)))
    assert not target.with_name("mine.partial").exists()
    assert (target / MANIFEST).is_file()
    assert made.tensorrt == made.asked.tensorrt
    assert made.compute != "unknown"
    assert set(made.files) == {"config.json", "rank0.engine", "rank1.engine"}
    (row,) = rows(Workspace(tmp_path), now=made.finished + 7200)
    assert (row["engine"], row["age_seconds"], row["tensor_parallel"]) == ("mine", 7200, 2)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"tensor_parallel": 4}, "tensor parallelism is 2, not 4"),
        ({"max_batch_size": 64}, "max_batch_size is 8, not 64"),
        ({"max_output_len": 2048}, "the longest request is 4096, not 5120"),
        ({"tensorrt": "9.9.9.9"}, "the release has 9.9.9.9"),
        ({"compute": "8.6"}, "not 8.6"),
    ],
)
def test_an_engine_that_was_not_asked_for_is_not_published(other: dict[str, Any], problem: str, tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    folder = built(target)
    with pytest.raises(Trouble) as caught:
        publish(target, said(folder, **other))
    assert problem in str(caught.value)
    assert (target.exists(), folder.is_dir()) == (False, True)


def test_a_missing_and_a_cut_rank_are_named(tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    folder = built(target)
    words = said(folder)
    os.truncate(folder / "rank0.engine", (folder / "rank0.engine").stat().st_size - 1)
    (folder / "rank1.engine").unlink()
    with pytest.raises(Trouble) as caught:
        publish(target, words)
    assert "rank 1 is missing" in str(caught.value)
    assert "rank0.engine is not whole" in str(caught.value)


@pytest.mark.parametrize("words", ["", "{}", '{"recipe": 3}', "\udcff"])
def test_what_was_asked_is_read_strictly(words: str, tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    built(target)
    with pytest.raises(Trouble):
        publish(target, words)


def test_nothing_that_was_built_is_no_engine(tmp_path: Path) -> None:
    folder = built(tmp_path / "engines" / "mine")
    words = said(folder)
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(Trouble, match="is no engine"):
        publish(tmp_path / "engines" / "mine", words)


def _build(target: Path, order: Path, who: str) -> None:
    with alone(target):
        if not target.exists():
            time.sleep(0.2)
            target.mkdir()
            order.open("a").write(who)


def test_two_builds_of_the_same_engine_at_once_become_one(tmp_path: Path) -> None:
    target, order = tmp_path / "engines" / "mine", tmp_path / "order"
    several = [multiprocessing.get_context("spawn").Process(target=_build, args=(target, order, who)) for who in "ab"]
    for process in several:
        process.start()
    for process in several:
        process.join(PATIENCE)
    assert [process.exitcode for process in several] == [0, 0]
    assert len(order.read_text(encoding="utf-8")) == 1


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_a_build_killed_at_any_moment_never_passes_for_an_engine(milliseconds: int, tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    words = said(built(target))
    process = multiprocessing.get_context("fork").Process(target=publish, args=(target, words))
    process.start()
    time.sleep(milliseconds / 1000)
    process.kill()
    process.join(PATIENCE)
    there = finished(Workspace(tmp_path))
    assert set(there) == ({"mine"} if target.exists() else set())
    for manifest in there.values():  # the manifest is written last: what it lists is whole
        assert {name: (target / name).stat().st_size for name in manifest.files} == manifest.files
        assert isinstance(found := read_engine(target), Engine)
        assert engine_store.verify(found, manifest.asked) == ()


def test_what_is_left_over_is_shown_and_only_then_removed(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    publish(space.engines / "mine", said(built(space.engines / "mine")))
    half = built(space.engines / "other")
    (space.checkpoints / "mine-converted").mkdir(parents=True)
    (space.checkpoints / "other-converted").mkdir()
    left = remains(space)
    assert {each.path.name for each in left} == {"other.partial", "mine-converted"}
    with alone(space.engines / "other"):
        assert half not in {each.path for each in remains(space)}
    engine_store.remove(left)
    assert (space.engines / "mine").is_dir()
    assert remains(space) == ()


def test_an_unfinished_conversion_could_go_and_of_a_link_only_the_link(tmp_path: Path) -> None:
    """A 145 GB conversion that was killed was never shown; a link ended as a bug of the toolkit."""
    space, elsewhere = Workspace(tmp_path / "space"), tmp_path / "elsewhere"
    half = space.checkpoints / "mine-converted.partial"
    for folder in (half, elsewhere, space.engines):
        folder.mkdir(parents=True)
    (elsewhere / "kept").touch()
    (space.engines / "linked.partial").symlink_to(elsewhere)
    with alone(space.engines / "mine"):
        assert half not in {each.path for each in remains(space)}
    left = remains(space)
    assert {each.path.name for each in left} == {"linked.partial", "mine-converted.partial"}
    engine_store.remove(left)
    assert remains(space) == ()
    assert (elsewhere / "kept").exists()


def test_a_damaged_manifest_hides_no_other_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = Workspace(tmp_path)
    publish(space.engines / "mine", said(built(space.engines / "mine")))
    (space.engines / "bad").mkdir()
    (space.engines / "bad" / MANIFEST).write_text("{", encoding="utf-8")
    assert set(finished(space)) == {"mine"}
    assert f"rm -r {space.engines / 'bad'}" in capsys.readouterr().err.replace("\n", "")


def test_the_step_says_all_that_decides_the_engine() -> None:
    space = Workspace(Path("/srv/trtllm"))
    made = deploy("qwen2", workspace=space, ports=Ports(), tp=4, feature=["tokens-per-block=128"])
    asked = msgspec.json.decode(finish(made).argv[-1], type=Asked)
    assert asked == asked_of(made)
    assert (asked.identity, asked.tensor_parallel) == (made.identity(), 4)
    assert asked.features == {"fmha": "", "tokens-per-block": "128"}


def test_the_task_lists_finishes_and_prunes(tmp_path: Path) -> None:
    target = tmp_path / "engines" / "mine"
    words = said(built(target))
    assert invoke("engines", workspace=tmp_path).stdout == "no engine is finished yet\n"
    assert invoke("engines", "--finish", str(target), "--asked", words, workspace=tmp_path).returncode == 0
    assert "2x1 GPU(s)" in invoke("engines", workspace=tmp_path).stdout
    half = built(tmp_path / "engines" / "other")
    shown = invoke("engines", "--prune", "--json", workspace=tmp_path)
    assert json.loads(shown.stdout)["remains"][0]["path"] == str(half)
    assert half.is_dir()
    assert invoke("engines", "--prune", "--yes", workspace=tmp_path).returncode == 0
    assert not half.exists()
