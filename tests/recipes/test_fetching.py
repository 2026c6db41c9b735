"""Fetching from a hub that stalls, cuts, corrupts and lies: the right bytes or a clear error, and nothing half-made."""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from environment.errors import Trouble, Usage
from environment.fetched import NAME as RECORD
from environment.fetched import recorded
from recipes.fetching import fetch
from recipes.hub import Hub, Wanted
from tests.command_line import invoke
from tests.recipes.loopback_hub import REPOSITORY, REVISION, Files, hub
from tests.waiting import PATIENCE

WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
HALF = f"bytes={len(WEIGHTS) // 2}-"
CONTENT = {"config.json": b"{}", "model.safetensors": WEIGHTS, "sub/tokenizer.json": b"[1]"}


def got(
    files: Files, target: Path, source: Hub = "huggingface", stall: float = PATIENCE, **other: Any
) -> dict[str, str]:
    seen: list[tuple[int, int]] = []
    with hub(files) as endpoint:
        wanted = Wanted(repository=REPOSITORY, revision=REVISION, endpoint=endpoint, hub=source, **other)
        sums = fetch(wanted, target, lambda done, total: seen.append((done, total)), stall=stall)
    assert not seen or seen[-1][0] <= seen[-1][1]
    return sums


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_every_file_comes_whole_with_its_sum_recorded(source: Hub, tmp_path: Path) -> None:
    sums = got(Files(CONTENT), tmp_path / "mine", source)
    assert {path: (tmp_path / "mine" / path).read_bytes() for path in CONTENT} == CONTENT
    assert sums["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert json.loads((tmp_path / "mine" / RECORD).read_text(encoding="utf-8"))["sha256"] == sums
    assert list(recorded(tmp_path).values()) == [sums]
    assert not (tmp_path / "mine.partial").exists()


def test_patterns_choose_files(tmp_path: Path) -> None:
    assert set(got(Files(CONTENT), tmp_path / "mine", include=("*.json",))) == {"config.json", "sub/tokenizer.json"}


def test_what_was_cut_goes_on_where_it_stopped(tmp_path: Path) -> None:
    assert ranges_after("cut", tmp_path / "mine", PATIENCE) == ["", HALF]


def test_what_stalled_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Unless the machine is so slow that the client gives up before the hub has said anything."""
    times = (0.3, 3, 30)
    assert any(ranges_after("stall", tmp_path / str(seconds), seconds) == ["", HALF] for seconds in times)


def ranges_after(fault: str, target: Path, stall: float) -> list[str]:
    """The parts of a file that are asked for when this befalls it; it comes whole."""
    files = Files(CONTENT, faults={"model.safetensors": [fault]})
    got(files, target, stall=stall)
    assert (target / "model.safetensors").read_bytes() == WEIGHTS
    return [asked for path, asked in files.asked if path.endswith("model.safetensors")]


def test_a_server_without_ranges_starts_again(tmp_path: Path) -> None:
    got(Files(CONTENT, faults={"model.safetensors": ["cut"]}, ranges=False), tmp_path / "mine")
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_connection_that_is_always_cut_ends_with_what_there_is(tmp_path: Path) -> None:
    files = Files(CONTENT, faults={"model.safetensors": ["cut"] * 9})
    with pytest.raises(Trouble, match=r"of 1048576 bytes after 5 attempts"):
        got(files, tmp_path / "mine")
    assert (tmp_path / "mine.partial" / "model.safetensors.part").stat().st_size > len(WEIGHTS) // 2
    files.faults = {}
    got(files, tmp_path / "mine")
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == WEIGHTS
    assert sum(path.endswith("/config.json") for path, _ in files.asked) == 1  # what is whole is not fetched again


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_a_corrupted_file_is_dropped_and_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=f"{path} is not what the hub lists"):
        got(Files(CONTENT, faults={path: ["corrupt"]}), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    assert not (tmp_path / "mine.partial" / path).exists()
    assert not (tmp_path / "mine.partial" / f"{path}.part").exists()


@pytest.mark.parametrize(
    ("size", "said"), [(10, "sends more than the 10 bytes"), (1 << 21, "1048576 of 2097152 bytes")]
)
def test_a_lie_about_a_size_is_found(size: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=said):
        got(Files(CONTENT, sizes={"model.safetensors": size}), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_repository_larger_than_the_disk_is_not_begun(tmp_path: Path) -> None:
    files = Files(CONTENT, sizes={"model.safetensors": shutil.disk_usage(tmp_path).total * 2})
    with pytest.raises(Trouble, match=r"GB free, .* GB are needed"):
        got(files, tmp_path / "mine")
    assert not [path for path, _ in files.asked if "resolve" in path]


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_name_that_would_leave_the_folder_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="cannot be"):
        got(Files({path: b"x"}), tmp_path / "mine")


@pytest.mark.parametrize(("status", "said"), [(401, "HF_TOKEN"), (404, "no such repository")])
@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_a_refusal_says_what_it_means(status: int, said: str, source: Hub, tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        got(Files(CONTENT, status=status), tmp_path / "mine", source)
    assert said in str(caught.value)


def test_the_words_of_a_plan_fetch_the_files(tmp_path: Path) -> None:
    words = ("fetch", REPOSITORY, "--revision", REVISION, "--include", "*.json", "--into", str(tmp_path / "mine"))
    with hub(Files(CONTENT)) as endpoint:
        done = invoke(*words, workspace=tmp_path, HF_ENDPOINT=endpoint)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "mine").rglob("*.*")} >= {"config.json", "tokenizer.json"}
    assert not (tmp_path / "mine" / "model.safetensors").exists()


def test_a_hub_that_is_not_there_is_told_at_once_with_the_ways_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(seconds: float) -> None:
        pytest.fail(f"waits {seconds} s to ask again")

    monkeypatch.setattr("time.sleep", again)
    wanted = Wanted(repository=REPOSITORY, revision=REVISION, endpoint="http://127.0.0.1:9")
    with pytest.raises(Trouble, match="no usable answer") as caught:
        fetch(wanted, tmp_path / "mine", lambda _done, _total: None)
    assert "HF_ENDPOINT" in caught.value.mend


def test_what_is_there_whole_is_not_fetched_again(tmp_path: Path) -> None:
    """It used to be fetched whole, and then lost: the folder could not take its name."""
    got(Files(CONTENT), tmp_path / "mine")
    again = Files(CONTENT)
    assert set(got(again, tmp_path / "mine")) == set(CONTENT)
    assert not again.asked
    assert not (tmp_path / "mine.partial").exists()


@pytest.mark.parametrize("other", [{"revision": "1" * 40}, {"include": ("*.json",)}, {"repository": "me/other"}])
def test_something_else_in_its_place_is_told_before_anything_is_fetched(other: dict[str, Any], tmp_path: Path) -> None:
    got(Files(CONTENT), tmp_path / "mine")
    with pytest.raises(Trouble, match="mine is there already and is not me/") as refused:
        fetch(Wanted(**{"repository": REPOSITORY, "revision": REVISION, **other}), tmp_path / "mine", print)
    assert REPOSITORY in refused.value.why
    assert "--into" in refused.value.mend


def test_a_folder_of_ones_own_and_one_that_lost_a_file_are_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    got(Files(CONTENT), tmp_path / "mine")
    (tmp_path / "mine" / "config.json").unlink()
    for name in ("file", "mine"):
        with pytest.raises(Trouble, match="is there already and is not"):
            fetch(Wanted(repository=REPOSITORY, revision=REVISION), tmp_path / name, print)


def test_two_at_once_become_one(tmp_path: Path) -> None:
    with hub(Files(CONTENT)) as endpoint, ThreadPoolExecutor(2) as both:
        wanted = Wanted(repository=REPOSITORY, revision=REVISION, endpoint=endpoint)
        sums = [both.submit(fetch, wanted, tmp_path / "mine", lambda *_: None) for _ in range(2)]
        assert sums[0].result() == sums[1].result()
    assert {path: (tmp_path / "mine" / path).read_bytes() for path in CONTENT} == CONTENT


def test_what_a_download_of_another_revision_left_is_not_kept(tmp_path: Path) -> None:
    left = tmp_path / "mine.partial" / "model-00002-of-00002.safetensors"
    left.parent.mkdir()
    left.write_bytes(b"old")
    got(Files(CONTENT), tmp_path / "mine")
    there = {str(path.relative_to(tmp_path / "mine")) for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    assert there == {*CONTENT, RECORD}


@pytest.mark.parametrize("content", [{"a": b"1", "a/b": b"2"}, {"a\nb": b"1"}, {"a\0b": b"1"}])
def test_names_that_no_folder_can_hold_are_refused(content: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="a file that cannot be"):
        got(Files(content), tmp_path / "mine")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"repository": "../etc"}, "'../etc' is no repository's id"),
        ({"repository": ""}, "'' is no repository's id"),
        ({"repository": REPOSITORY, "hub": "modelscope", "kind": "dataset"}, "asked for models, not for a dataset"),
    ],
)
def test_what_no_hub_could_have_is_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(Usage, match=said):
        Wanted(revision=REVISION, **words)
