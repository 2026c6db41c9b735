"""Whether there is room for each stage is known before anything runs, with both values and what mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from environment.errors import Trouble, Usage
from environment.plan import Plan
from environment.unknown import Unknown
from recipes import build, local, serve
from recipes.gpus import chosen, shared
from recipes.room import Room, require, stages
from recipes.sizes import checkpoint_bytes
from tests.recipes.deployments import USER, deployment

GB = 10**9
LARGE = Room(disk=2000 * GB, memory=1000 * GB, swap=0, gpus=(80 * GB,) * 8)


def planned(recipe: str = "qwen2-72b", **options: Any) -> tuple[Any, Plan]:
    made = deployment(recipe, **options)
    return made, serve.plan(made, USER)


def test_each_stage_is_named_with_what_it_leaves_and_holds() -> None:
    made, plan = planned()
    found = [
        (stage.title.partition(" ")[0], stage.disk // GB, stage.memory // GB) for stage in stages(made, plan.steps)
    ]
    assert found == [("Download", 145, 0), ("Quantize", 72, 145), ("Build", 72, 72)]


def test_who_reads_the_plan_is_told() -> None:
    _, plan = planned()
    assert "# Room: Quantize the checkpoint for 2 rank(s): fp8: 72.7 GB of disk, 290.8 GB of memory with swap" in str(
        plan
    )
    notes = plan.data()["notes"]
    assert isinstance(notes, (list, tuple))
    assert len(notes) == 3


def test_an_old_release_builds_in_one_stage() -> None:
    made = deployment("chatglm3", tag="v0.7.0")
    found = stages(made, build.plan(made, USER).steps)
    assert [stage.memory for stage in found] == [0, checkpoint_bytes(made)]


def test_enough_is_enough() -> None:
    made, plan = planned(convert_gpus="0,1,2,3", limits={"max_batch_size": 1})
    assert require(made, plan, set(), LARGE) == ()


def test_too_little_disk_is_refused_with_both_values() -> None:
    made, plan = planned()
    with pytest.raises(Trouble, match=r"has 100.0 GB of free disk, this needs 290.8 GB") as caught:
        require(made, plan, set(), replace(LARGE, disk=100 * GB))
    assert "engines --prune" in caught.value.mend


def test_what_is_there_already_needs_no_room() -> None:
    made, plan = planned(convert_gpus="0,1,2,3", limits={"max_batch_size": 1})
    done = {number for number, step in enumerate(plan.steps, 1) if "Download" in step.title or "convert" in step.title}
    assert require(made, plan, done, replace(LARGE, disk=150 * GB)) == ()
    every = set(range(1, len(plan.steps) + 1))
    assert require(made, plan, every, Room(disk=0, memory=0, swap=0, gpus=(80 * GB,) * 4)) == ()


def test_memory_that_holds_the_weights_not_once_is_refused_and_the_swap_to_add_is_named() -> None:
    made, plan = planned()
    with pytest.raises(
        Trouble, match=r"weights are 145.4 GB, this host has 64.0 GB of memory and 8.0 GB of swap"
    ) as told:
        require(made, plan, set(), replace(LARGE, memory=64 * GB, swap=8 * GB))
    assert "fallocate -l 219GB /swapfile" in told.value.mend


def test_memory_that_was_too_little_elsewhere_is_a_warning_and_swap_counts() -> None:
    made, plan = planned(convert_gpus="0,1,2,3", limits={"max_batch_size": 1})
    (line,) = require(made, plan, set(), replace(LARGE, memory=200 * GB))
    assert "takes 290.8 GB of memory with swap at times, this host has 200.0 GB" in line
    assert require(made, plan, set(), replace(LARGE, memory=200 * GB, swap=100 * GB)) == ()


def test_a_model_that_does_not_fit_the_gpus_that_calibrate_it_asks_for_more_of_them() -> None:
    """The seed's 72B model wants at least four GPUs of 48 GB, and is served on two."""
    made, plan = planned(limits={"max_batch_size": 1})
    small = replace(LARGE, gpus=(48 * GB,) * 4)
    (line,) = require(made, plan, set(), small)
    assert "16-bit model of 145.4 GB, its GPU(s) have 96.0 GB together" in line
    assert "--convert-gpus" in line
    more, plan = planned(convert_gpus="0,1,2,3", limits={"max_batch_size": 1})
    assert require(more, plan, set(), small) == ()


def test_a_cache_that_does_not_fit_names_the_batch_that_does() -> None:
    made = deployment("llama2-13b")
    (line,) = require(made, serve.plan(made, USER), set(), replace(LARGE, gpus=(40 * GB,)))
    assert line.startswith("the KV cache of 8 longest requests takes 26.8 GB on each GPU, 14.0 GB is left beside the")
    assert line.endswith("--max-batch-size 4 fits")


def test_what_is_not_known_is_not_judged() -> None:
    made, plan = planned()
    assert require(made, plan, set(), replace(LARGE, disk=Unknown("no answer"), gpus=Unknown("no nvidia-smi"))) == ()


def test_gpus_that_serve_already_are_named() -> None:
    servers = {"chat": "0,1", "other": "4", "old": ""}
    (line,) = shared(chosen(2, "1,2", "2,3"), servers)
    assert line.startswith("GPU 1 serves 'chat' now")
    assert shared(chosen(2, "6,7", "4"), servers)[0].startswith("GPU 4 serves 'other'")


@pytest.mark.parametrize("tag", ["v0.11.0", "v0.16.0"])
def test_the_longest_prompt_fits_one_iteration(tag: str) -> None:
    """From v0.11.0 the default is 8192 tokens: a 32k model could be built for 30,720, and asked for 8,192."""
    words = [
        s.argv for s in build.plan(deployment("chatglm3", model="32k", tag=tag), USER).steps if s.tool == "trtllm-build"
    ]
    assert words[0][words[0].index("--max_num_tokens") + 1] == "30720"
    short = build.plan(deployment("chatglm3", tag=tag), USER)
    assert not any("--max_num_tokens" in step.argv for step in short.steps)


def test_an_iteration_shorter_than_a_prompt_is_refused() -> None:
    with pytest.raises(Usage, match="max-num-tokens=1024 is less than --max-input-len 3072"):
        deployment(feature=["max-num-tokens=1024"])
    assert deployment(feature=["max-num-tokens=4096"]).features["max-num-tokens"] == "4096"


def test_an_answer_is_not_asked_longer_than_the_engine_gives() -> None:
    short = deployment(limits={"max_output_len": 64})
    words = local.run(short, USER).steps[-1].argv
    assert words[words.index("--max_output_len") + 1] == "64"
    asked = serve.plan(short, USER).steps[-2].argv
    assert asked[-2:] == ("--max-tokens", "64")
    with pytest.raises(Usage, match="--max-tokens 65 is more than the 64"):
        local.run(short, USER, max_tokens=65)
