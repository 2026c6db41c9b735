"""Quantizations, features and variants: what fits is spelled as the release knows it, the rest is refused with why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environment.errors import ExitCode, Trouble, Usage
from environment.plan import Plan
from recipes import build, serve
from recipes.recipe import MODELS, find, names
from recipes.verification import or_first
from tests.recipes.deployments import USER, deployment


def built(recipe: str, **options: Any) -> Plan:
    return build.plan(deployment(recipe, **options), USER)


def words(plan: Plan, tool: str) -> tuple[str, ...]:
    (step,) = [step for step in plan.steps if step.tool == tool]
    return step.argv


def test_weights_only_needs_no_calibration_and_an_fp8_cache_does() -> None:
    plain = built("llama2-13b", quant="int4_wo")
    assert words(plain, "convert_checkpoint-llama")[-3:] == ("--use_weight_only", "--weight_only_precision", "int4")
    assert sum(step.tool == "fetch" for step in plain.steps) == 1
    cached = built("llama2-13b", quant="int4_wo", kv_cache_dtype="fp8")
    assert {"--qformat", "int4_wo", "--kv_cache_dtype", "fp8"} <= set(words(cached, "quantize"))
    assert sum(step.tool == "fetch" for step in cached.steps) == 2


def test_calibration_runs_without_a_network() -> None:
    plan = built("qwen2", quant="fp8")
    (step,) = [step for step in plan.steps if step.tool == "quantize"]
    assert step.env == {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    data = step.argv[step.argv.index("--calib_dataset") + 1]
    assert data in {made.output for made in plan.steps if made.tool == "fetch"}


def test_a_release_without_the_flag_finds_the_data_set_beside_it() -> None:
    """v0.9.0's quantize.py loads the relative path cnn_dailymail (quantize_by_ammo.py L199)."""
    plan = built("llama2-13b", quant="fp8", tag="v0.9.0")
    argv = words(plan, "quantize")
    assert "--calib_dataset" not in argv
    assert f"{argv[argv.index('-C') + 1]}/cnn_dailymail" in {made.output for made in plan.steps if made.tool == "fetch"}


def test_fp8_is_strongly_typed_where_that_has_to_be_said() -> None:
    assert "--strongly_typed" in words(built("qwen2", quant="fp8"), "trtllm-build")
    assert "--strongly_typed" not in words(built("qwen2", quant="fp8", tag="v0.12.0"), "trtllm-build")


def test_a_switch_that_moved_to_the_server_is_set_there() -> None:
    plan = serve.plan(deployment("qwen2", tag="v0.12.0", feature=["fmha-fp32-acc"]), USER)
    assert "--context_fmha_fp32_acc" not in words(plan, "trtllm-build")
    assert plan.templates["tensorrt_llm"]["enable_context_fmha_fp32_acc"] == "True"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quant": "fp9"}, "did you mean 'fp8'?"),
        ({"kv_cache_dtype": "fp4"}, "unknown KV-cache data type 'fp4'"),
        ({"feature": ["fmha-fp16"]}, "unknown feature 'fmha-fp16'"),
        ({"feature": ["fmha", "no-fmha"]}, "fmha and no-fmha exclude each other"),
        ({"feature": ["fp8-context-fmha"]}, "needs --quant fp8, not none"),
        ({"feature": ["tokens-per-block"]}, "said as --feature tokens-per-block=NUMBER"),
        ({"feature": ["fmha=yes"]}, "said as --feature fmha"),
        ({"feature": ["tokens-per-block=many"]}, "takes a whole number above 0, not 'many'"),
        ({"feature": ["tokens-per-block=100"]}, "takes a power of two, not 100"),
        ({"feature": ["tokens-per-block=100"]}, "tokens-per-block=64 or --feature tokens-per-block=128"),
        ({"feature": ["tokens-per-block=64", "tokens-per-block=128"]}, "is said twice: 64 and 128"),
        (
            {"limits": {"max_batch_size": 10**8}},
            "409600000000 tokens in the KV cache, the backend counts to 2147483647",
        ),
        ({"model": "13b"}, "unknown model of this recipe '13b'"),
        ({"model": "meta-llama/Llama-3-8B"}, "the shape of meta-llama/Llama-3-8B is not known"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Usage) as caught:
        deployment("llama2-13b", **options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "options", "said"),
    [
        ("llama2-13b", {"tag": "v0.7.1", "quant": "fp8"}, "first in v0.8.0, because no tool of v0.7.1"),
        ("qwen2", {"tag": "v0.16.0", "feature": ["rmsnorm-plugin"]}, "with any known release, because v0.16.0 cannot"),
        ("llama2-13b", {"tag": "v0.8.0", "quant": "fp8", "feature": ["fp8-context-fmha"]}, "first in v0.9.0"),
        ("llama2-13b", {"tag": "v0.9.0", "feature": ["rmsnorm-plugin"]}, "last in v0.7."),
        ("chatglm3", {"tag": "v0.10.0", "pp": 2}, "--pp_size must be 1"),
        (
            "qwen2",
            {"tag": "v0.17.0"},
            "last in v0.16.0, because nothing is known of convert_checkpoint-qwen in v0.17.0",
        ),
        ("qwen2", {"tag": "v0.17.0"}, "use --tag v0.16.0; or invoke contract --release v0.17.0"),
        ("qwen2", {"tag": "v1.2.1"}, "last in v0.16.0, because no way to an engine"),
    ],
)
def test_a_release_that_cannot_names_the_nearest_that_can(recipe: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(Trouble) as caught:
        or_first(lambda asked: build.plan(asked, USER), deployment(recipe, **options))
    assert (caught.value.code, said in str(caught.value)) == (ExitCode.FAILURE, True), str(caught.value)


def test_a_variant_replaces_what_it_says_and_keeps_the_rest() -> None:
    whole, long = deployment("chatglm3"), deployment("chatglm3", model="32k")
    assert (long.recipe.checkpoint.hub, long.max_seq_len) == ("THUDM/chatglm3-6b-32k", 32768)
    assert (long.recipe.question, long.recipe.patches) == (whole.recipe.question, whole.recipe.patches)
    assert deployment("chatglm3", model="THUDM/chatglm3-6b-32k").identity() == long.identity() != whole.identity()


def test_images_are_not_served_and_the_way_out_is_named() -> None:
    with pytest.raises(Trouble, match="take no image") as caught:
        serve.plan(deployment("qwen-vl"), USER)
    assert caught.value.mend.startswith("invoke build qwen-vl")


def test_a_recipe_of_a_known_family_is_a_file_and_no_code(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    text = (MODELS / "qwen2.toml").read_text(encoding="utf-8")
    mine.write_text(text.replace("Qwen/Qwen2-7B-Instruct", "me/My-Qwen2", 1), encoding="utf-8")
    made = deployment("mine", recipe_file=str(mine))
    assert made.recipe.checkpoint.hub == "me/My-Qwen2"
    assert build.plan(made, USER).recipe == "mine"


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ('benchmark = ["qwen1.5_7b_chat"]', 'patches = ["nope"]', "unknown patch 'nope'"),
        ('"--qwen_type", "qwen2"', '"--qwen_type", "{foo}"', "'{foo}' names foo; known: dtype, prompt_table"),
        ('"--qwen_type", "qwen2"', '"--qwen_type", "{"', "is not a valid Recipe"),
    ],
)
def test_a_slip_in_a_recipe_of_ones_own_is_told_as_one(was: str, is_: str, said: str, tmp_path: Path) -> None:
    """Each ended as a bug of the toolkit."""
    mine = tmp_path / "mine.toml"
    text = (MODELS / "qwen2.toml").read_text(encoding="utf-8")
    assert was in text
    mine.write_text(text.replace(was, is_), encoding="utf-8")
    with pytest.raises(Trouble) as caught:
        serve.plan(deployment("mine", recipe_file=str(mine)), USER)
    assert said in caught.value.what
    assert caught.value.mend


@pytest.mark.parametrize("name", ["../mine", "a\nb", "", "-x"])
def test_the_name_of_a_recipe_of_ones_own_is_one_that_a_folder_can_have(name: str) -> None:
    with pytest.raises(Usage, match="no usable name of a recipe"):
        deployment(name, name="fine", recipe_file=str(MODELS / "qwen2.toml"))


def test_a_refusal_of_ones_own_recipe_names_its_file() -> None:
    own = str(MODELS / "qwen2.toml")
    with pytest.raises(Trouble) as caught:
        or_first(lambda asked: build.plan(asked, USER), deployment("mine", recipe_file=own, feature=["rmsnorm-plugin"]))
    assert f"./inv build mine --recipe-file {own} --dry" in caught.value.mend


def test_the_order_of_features_does_not_decide_the_engine() -> None:
    one, other = ["multi-block-mode", "tokens-per-block=128"], ["tokens-per-block=128", "multi-block-mode"]
    assert deployment(feature=one).identity() == deployment(feature=other).identity()


@pytest.mark.parametrize("name", names())
def test_every_variant_of_a_shipped_recipe_can_be_read(name: str) -> None:
    recipe = find(name)
    for variant in recipe.variants:
        assert recipe.variant(variant).checkpoint.hub != recipe.checkpoint.hub
