"""The 24 mistakes found in the five how-to documents: for each, that it cannot be made here, or where it is caught.

W4 (a path with another spelling), W23 and W24 (slips of the prose) cannot be written in a plan; they are tested as what
replaces them. Sources are in the names of the releases' contracts.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from environment.contracts import contract, placeholders
from environment.plan import Plan
from recipes import bench, build, local, serve
from recipes.recipe import find, names
from tests.recipes.deployments import USER, deployment


def built(recipe: str, **options: Any) -> Plan:
    return build.plan(deployment(recipe, **options), USER)


def served(recipe: str, **options: Any) -> Plan:
    return serve.plan(deployment(recipe, **options), USER)


def argv(plan: Plan, tool: str) -> tuple[str, ...]:
    (step,) = [step for step in plan.steps if step.tool == tool]
    return step.argv


def flag(words: tuple[str, ...], name: str) -> str:
    return words[words.index(name) + 1]


def test_w1_world_size_always_comes_with_its_factors() -> None:
    words = argv(built("chatglm3", tag="v0.7.0", tp=2), "build-chatglm")
    assert (flag(words, "--world_size"), flag(words, "--tp_size"), flag(words, "--pp_size")) == ("2", "2", "1")
    alone = ("build.py", "-m", "chatglm3_6b", "--world_size", "2")
    assert "--world_size must equal" in contract("v0.7.0", "build-chatglm").problems(alone)[0]


def test_w2_the_ranks_are_derived_from_the_engine_and_are_no_option() -> None:
    plan = local.run(deployment("chatglm3", tag="v0.7.0", tp=2), USER)
    words = plan.steps[-1].argv
    assert (flag(words, "-n"), flag(words, "--engine_dir")) == (
        "2",
        deployment("chatglm3", tag="v0.7.0", tp=2).engine_dir,
    )


def test_w3_no_plugin_is_switched_off_with_a_word_that_is_no_choice() -> None:
    words = ("build.py", "-m", "chatglm3_6b", "--use_gpt_attention_plugin", "False")
    assert contract("v0.7.0", "build-chatglm").problems(words)
    assert "False" not in argv(built("chatglm3", tag="v0.7.0", feature=["no-fmha"]), "build-chatglm")


def test_w4_the_engine_that_is_served_is_the_one_that_was_built() -> None:
    plan = served("chatglm3", tag="v0.7.0")
    made = flag(argv(plan, "build-chatglm"), "--output_dir").removesuffix(".partial")
    assert plan.templates["tensorrt_llm"]["engine_dir"] == made
    assert f"{made}:{made}:ro" in argv(plan, "docker")


def test_w5_old_templates_are_made_to_load_the_tokenizers_own_code() -> None:
    edited = [step.argv[-2] for step in served("chatglm3", tag="v0.6.1").steps if step.tool == "sed"]
    assert sum("trust_remote_code" in edit for edit in edited) == 2
    assert not any("trust_remote_code" in step.argv[-2] for step in served("chatglm3").steps if step.tool == "sed")


def test_w6_w8_engines_for_the_templates_are_built_for_in_flight_batching() -> None:
    words = argv(served("chatglm3", tag="v0.7.0"), "build-chatglm")
    assert {"--use_inflight_batching", "--paged_kv_cache", "--remove_input_padding"} <= set(words)
    assert find("chatglm2").since.release == "v0.6.0"  # v0.5.0's script has none of them


def test_w7_w9_flags_of_another_release_are_refused() -> None:
    assert contract("v0.7.0", "build-llama").problems(("build.py", "--use_layernorm_plugin", "float16"))
    assert "--model_name is missing" in contract("v0.7.0", "build-chatglm").problems(("build.py", "--dtype", "float16"))
    assert flag(argv(built("chatglm2", tag="v0.7.0"), "build-chatglm"), "--model_name") == "chatglm2_6b"


@pytest.mark.parametrize("tag", ["v0.9.0", "v0.10.0"])
def test_w10_a_long_model_gets_a_long_engine(tag: str) -> None:
    plan = served("chatglm3", model="32k", tag=tag)
    words = argv(plan, "trtllm-build")
    assert int(flag(words, "--max_input_len")) + int(flag(words, "--max_output_len")) == 32768
    assert flag(words, "--max_batch_size") == plan.templates["tensorrt_llm"]["triton_max_batch_size"]


@pytest.mark.parametrize("tag", ["v0.9.0", "v0.10.0", "v0.16.0"])
def test_w11_w12_w14_w15_every_placeholder_is_filled_and_no_other(tag: str) -> None:
    templates = served("llama2-13b", tag=tag).templates
    for model, has in placeholders(tag).items():
        assert set(templates[model]) == {each.name for each in has}
    assert templates["tensorrt_llm_bls"].get("tensorrt_llm_model_name", "tensorrt_llm") == "tensorrt_llm"
    assert templates["tensorrt_llm"].get("triton_backend", "tensorrtllm") == "tensorrtllm"


def test_w13_the_special_tokens_are_left_alone_only_where_the_release_assigns_them() -> None:
    def left_alone(tag: str) -> bool:
        return any("--in-place=.before-keep-special-tokens" in step.argv for step in served("chatglm3", tag=tag).steps)

    assert (left_alone("v0.10.0"), left_alone("v0.11.0")) == (True, False)


def test_w16_as_many_ranks_serve_as_the_engine_was_split_into() -> None:
    plan = served("qwen2", tp=4)
    assert flag(argv(plan, "convert_checkpoint-qwen"), "--tp_size") == "4"
    assert argv(plan, "docker").count("/opt/tritonserver/bin/tritonserver") == 4


@pytest.mark.parametrize("tag", ["v0.9.0", "v0.10.0"])
def test_w17_the_split_is_never_said_where_it_is_ignored(tag: str) -> None:
    words = argv(built("llama2-13b", tp=2, tag=tag), "trtllm-build")
    assert not {"--tp_size", "--pp_size"} & set(words)
    assert contract(tag, "trtllm-build").warnings((*words, "--tp_size", "2"))


def test_w18_w19_w20_the_data_set_is_made_by_a_script_that_is_there_and_is_the_one_that_is_read() -> None:
    plan = bench.plan(deployment("baichuan2-13b"), USER, mode="fixed")
    words = argv(plan, "prepare_dataset")
    copied = [step.argv for step in plan.steps if step.tool == "cp"][-1]
    assert copied[-2].endswith("/tensorrt_llm/benchmarks/cpp")
    assert words[1] == f"{copied[-1]}/prepare_dataset.py"
    assert any("trust_remote_code" in step.argv[-2] for step in plan.steps if step.tool == "sed")
    assert flag(plan.steps[-1].argv, "--dataset") == flag(words, "--output").removesuffix(".partial")


@pytest.mark.parametrize("tag", ["v0.9.0", "v0.11.0", "v0.12.0", "v0.13.0", "v0.15.0"])
def test_w21_what_a_release_lost_or_has_not_yet_is_not_said(tag: str) -> None:
    plans = [built("llama2-13b", tag=tag, quant="fp8"), built("qwen-vl", tag=tag)]
    plans.append(bench.plan(deployment("llama2-13b", tag=tag), USER, mode="static"))
    for plan in plans:
        for step in plan.steps:
            if step.where == "container" and step.tool not in {"cp", "test"}:
                assert contract(tag, step.tool).problems(step.argv) == ()


@pytest.mark.parametrize("recipe", [name for name in names() if find(name).served])
def test_w22_the_cache_and_the_window_hold_what_the_engine_takes(recipe: str) -> None:
    asked = deployment(recipe)
    values = served(recipe).templates["tensorrt_llm"]
    assert int(values["max_attention_window_size"]) == asked.max_seq_len
    assert int(values["max_tokens_in_paged_kv_cache"]) == asked.max_batch_size * asked.max_seq_len


def test_w23_the_server_is_started_by_mpirun_and_the_templates_are_filled_by_the_filler() -> None:
    plan = served("qwen2", tp=2)
    assert "mpirun" in argv(plan, "docker")
    assert all(step.argv[1].endswith("fill_template.py") for step in plan.steps if step.tool == "fill_template")


def test_w24_no_plan_installs_or_removes_packages() -> None:
    for recipe in names():
        for step in built(recipe).steps:
            assert not re.search(r"\b(apt|apt-get|pip|pip3)\b", " ".join(step.argv))


def test_no_template_is_filled_that_has_nothing_to_fill() -> None:
    """v0.5.0's ensemble has no placeholder, and its fill_template.py fails on an empty list of pairs."""
    plan = served("llama2-13b", tag="v0.5.0")
    assert plan.templates["ensemble"] == {}
    assert all(":" in step.argv[-1] for step in plan.steps if step.tool == "fill_template")
