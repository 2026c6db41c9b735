"""Load, benchmark programs, clocks: the plans of `bench`, `run` and `summarize`, for every release with the tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from environment.contracts import contract, tools
from environment.errors import Trouble, Usage
from environment.plan import Plan
from recipes import bench, build, local
from recipes.recipe import names
from tests.recipes.deployments import USER, deployment
from tests.recipes.documented import KNOWN

MODES = (*bench.table().modes, bench.PYTHON)


def planned(recipe: str = "baichuan2-13b", *, mode: str = "ifb", clocks: str = "", **options: Any) -> Plan:
    return bench.plan(deployment(recipe, **options), USER, mode=mode, clocks=clocks)


def last(plan: Plan) -> tuple[str, ...]:
    return plan.steps[-1].argv


def flag(argv: tuple[str, ...], name: str) -> str:
    return argv[argv.index(name) + 1]


@pytest.mark.slow
def test_every_plan_without_a_server_is_taken_by_the_releases_own_parsers() -> None:
    made = 0
    for recipe in names():
        for tag in KNOWN:
            makers = [local.run, local.summarize, *(lambda d, u, m=mode: bench.plan(d, u, mode=m) for mode in MODES)]
            for make in makers:
                try:
                    plan = make(deployment(recipe, tag=tag), USER)
                except Trouble:
                    continue
                made += 1
                for step in plan.steps:
                    if step.tool in tools(tag):
                        assert contract(tag, step.tool).problems(step.argv) == (), f"{recipe} {tag}: {step.title}"
    assert made > 400


@pytest.mark.parametrize("mode", bench.table().modes)
def test_what_is_benchmarked_is_what_was_made(mode: str) -> None:
    """Seed mistake W20: the data set of another step was read."""
    plan = planned(mode=mode)
    data = flag(last(plan), "--dataset")
    (maker,) = [step.argv for step in plan.steps if step.tool == "prepare_dataset"]
    assert flag(maker, "--output") == f"{data}.partial"
    assert ("mv", f"{data}.partial", data) in [step.argv for step in plan.steps]


def test_two_loads_never_share_a_data_set() -> None:
    assert flag(last(planned(mode="static")), "--dataset") != flag(last(planned(mode="fixed")), "--dataset")


def test_a_data_set_is_of_one_tokenizer_and_one_release(tmp_path: Path) -> None:
    """Its token ids are the tokenizer's; v0.9.0 reads a delay in each request that v0.10.0 does not write."""
    own = [{"model_dir": str(tmp_path / name)} for name in ("mine", "other")]
    more: list[dict[str, Any]] = [{}, {"tag": "v0.9.0"}, *own]
    assert len({flag(last(planned(**options)), "--dataset") for options in more}) == len(more)


def test_a_static_batch_is_none_that_the_engine_cannot_hold() -> None:
    small = last(planned(mode="static", limits={"max_batch_size": 2}))
    assert flag(small, "--static_emulated_batch_size") == "2"


def test_the_python_benchmark_takes_the_lengths_that_are_said() -> None:
    said = bench.plan(deployment("baichuan2-13b"), USER, mode="python", input_mean=100, output_mean=20)
    assert flag(last(said), "--input_output_len") == "100,20"
    with pytest.raises(Usage, match="reaches beyond the engine's 2048 tokens"):
        bench.plan(deployment("baichuan2-13b"), USER, mode="python", input_mean=100_000)


@pytest.mark.parametrize("means", [{"input_mean": 0}, {"output_mean": 0}, {"output_mean": -3}])
def test_a_mean_of_nothing_is_refused(means: dict[str, Any]) -> None:
    with pytest.raises(Usage, match="is less than 1"):
        bench.plan(deployment("baichuan2-13b"), USER, **means)
    least = deployment("baichuan2-13b", limits={"max_input_len": 1, "max_output_len": 1})
    assert bench.load(least).input_mean == bench.load(least).output_mean == 1


def test_the_question_of_run_reaches_a_model_that_sees() -> None:
    """It asked its smoke question whatever was said."""
    asked = last(local.run(deployment("qwen-vl"), USER, question="What is the dog doing?", max_tokens=20))
    assert (flag(asked, "--input_text"), flag(asked, "--max_new_tokens")) == ("What is the dog doing?", "20")
    with pytest.raises(Trouble, match="does not know --streaming"):
        local.run(deployment("qwen-vl"), USER, streaming=True)
    with pytest.raises(Usage, match="--max-tokens 0 is less than 1"):
        local.run(deployment("qwen-vl"), USER, max_tokens=0)


@pytest.mark.parametrize(
    ("recipe", "tag", "loaded"),
    [
        ("llama2-13b", "v0.8.0", "ccdv/cnn_dailymail"),
        ("llama2-13b", "v0.9.0", "ccdv/cnn_dailymail"),
        ("baichuan2-13b", "v0.9.0", "ccdv/cnn_dailymail"),
        ("chatglm3", "v0.8.0", "cnn_dailymail"),
    ],
)
def test_an_old_tool_that_calibrates_finds_the_data_set_by_the_path_it_loads(
    recipe: str, tag: str, loaded: str
) -> None:
    """TensorRT-LLM's scripts at these tags call load_dataset with that path."""
    asked = deployment(recipe, tag=tag, kv_cache_dtype="int8")
    (convert,) = (step.argv for step in build.plan(asked, USER).steps if step.tool.startswith("convert_checkpoint"))
    assert convert[:2] == ("env", "-C")
    assert f"{convert[2]}/{loaded}" == asked.calibration_dir


def test_the_four_configurations_of_the_seed() -> None:
    ifb, v1, static, fixed = (last(planned(mode=mode)) for mode in ("ifb", "v1", "static", "fixed"))
    assert (flag(ifb, "--type"), flag(v1, "--type"), flag(static, "--type")) == ("IFB", "V1", "IFB")
    assert "--static_emulated_batch_size" not in (*ifb, *v1)
    assert flag(static, "--static_emulated_batch_size") == flag(fixed, "--static_emulated_batch_size") == "8"
    (lengths,) = [step.argv for step in planned(mode="fixed").steps if step.tool == "prepare_dataset"]
    assert (flag(lengths, "--input-stdev"), flag(lengths, "--output-stdev")) == ("0", "0")


def test_a_removed_flag_is_left_out_and_a_moved_one_is_said_where_it_went() -> None:
    assert "--static_emulated_timeout" not in last(planned(mode="static", tag="v0.15.0"))
    old = planned(tag="v0.9.0")
    assert "--request_rate" not in last(old)
    (maker,) = [step.argv for step in old.steps if step.tool == "prepare_dataset"]
    assert flag(maker, "--request-rate") == "20"


@pytest.mark.parametrize(
    ("recipe", "patched"), [("baichuan2-13b", ["code"]), ("chatglm3", ["code", "special tokens"]), ("qwen2", [])]
)
def test_the_data_set_tool_is_patched_for_tokenizers_that_need_it(recipe: str, patched: list[str]) -> None:
    """Seed mistakes W18 and W19: the script is in the sources, and has no flag for remote code."""
    titles = [step.title for step in planned(recipe).steps if step.tool == "sed"]
    assert len(titles) == len(patched)
    assert all(words in title for words, title in zip(patched, titles, strict=True))


def test_requests_fit_the_engine() -> None:
    with pytest.raises(Usage, match=r"--input-mean 2000 .* reaches beyond the engine's 2048 tokens"):
        bench.plan(deployment("baichuan2-13b"), USER, input_mean=2000)
    with pytest.raises(Usage, match="did you mean 'static'"):
        planned(mode="statik")


def test_clocks_are_held_around_the_benchmark_alone_and_given_back_however_it_ends() -> None:
    plan = planned(clocks="1980,2619", tp=2)
    held = [step.argv for step in plan.steps[-3:-1]]
    assert held == [
        ("nvidia-smi", "--id", "0,1", "--lock-gpu-clocks=1980,1980"),
        ("nvidia-smi", "--id", "0,1", "--lock-memory-clocks=2619,2619"),
    ]
    assert [step.argv[-1] for step in plan.last] == ["--reset-gpu-clocks", "--reset-memory-clocks"]
    assert len(re.findall(r"^trap .* EXIT$", str(plan), re.MULTILINE)) == 1
    subprocess.run(["sh", "-n"], input=str(plan), text=True, check=True)


@pytest.mark.parametrize("clocks", ["fast", "0,0", "1980", "1980,", "1980,2619;reboot"])
def test_clocks_that_are_none_name_the_query(clocks: str) -> None:
    with pytest.raises(Usage, match="two numbers in MHz") as caught:
        planned(clocks=clocks)
    assert "clocks.max.graphics" in caught.value.mend


@pytest.mark.parametrize(("tp", "pp"), [(1, 1), (2, 1), (2, 2)])
def test_the_ranks_are_those_of_the_engine(tp: int, pp: int) -> None:
    """Seed mistake W2: a one-GPU engine started with two ranks."""
    for plan in (local.run(deployment(tp=tp, pp=pp), USER), local.summarize(deployment(tp=tp, pp=pp), USER)):
        argv = last(plan)
        assert ("mpirun" in argv) == (tp * pp > 1)
        if tp * pp > 1:
            assert flag(argv, "-n") == str(tp * pp)
        assert flag(argv, "--engine_dir") == deployment(tp=tp, pp=pp).engine_dir


def test_an_image_model_is_run_with_its_picture() -> None:
    argv = last(local.run(deployment("qwen-vl", tag="v0.13.0"), USER))
    assert flag(argv, "--vit_engine_path").endswith("/vision/visual_encoder/visual_encoder_fp16.plan")
    assert "--vit_engine_dir" not in argv


def test_a_release_without_the_script_says_so() -> None:
    with pytest.raises(Trouble, match="has no script that asks an engine of this family"):
        local.run(deployment("chatglm3", tag="v0.6.1"), USER)


@pytest.mark.parametrize("tag", KNOWN)
@pytest.mark.parametrize("recipe", names())
def test_the_python_benchmark_is_told_a_model_that_its_release_knows(recipe: str, tag: str) -> None:
    """Up to v0.11.0 the name is one of allowed_configs.py, which the releases do not share."""
    try:
        words = bench.plan(deployment(recipe, tag=tag), USER, mode="python").steps[-1].argv
    except Trouble:
        assert tag != "v0.10.0"  # a release too old for the recipe, or without the script
        return
    choices = contract(tag, "benchmark-python").option("--model")
    assert choices is not None
    assert words[words.index("--model") + 1] in (choices.choices or ())
