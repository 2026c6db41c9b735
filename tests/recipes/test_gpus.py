"""Which GPUs do what, and what their kind decides."""

from __future__ import annotations

from typing import Any

import pytest

from environment.docker_run import launch
from environment.errors import Trouble, Usage
from environment.plan import Plan, Step
from environment.unknown import Unknown
from recipes import build, serve
from recipes.gpus import chosen, compute_of
from tests.recipes.deployments import USER, deployment


def gpus_of(plan: Plan, step: Step) -> str:
    return launch(plan.words(step) if step.where == "container" else step.argv).one("--gpus")


def test_the_first_gpus_serve_unless_others_are_named() -> None:
    assert chosen(2).serving == chosen(2).converting == (0, 1)
    assert chosen(2, "1,3").converting == (1, 3)
    assert chosen(2, "1,3", "4,5,6,7").serving == (1, 3)


@pytest.mark.parametrize("words", ["0", "0,0", "0,x", "all", "0,1,2", "-1,0", "0,", "0,1;reboot"])
def test_what_is_no_list_of_one_gpu_a_rank_is_refused(words: str) -> None:
    with pytest.raises(Usage, match="--gpus"):
        chosen(2, words)


def test_the_remedy_of_a_gpu_named_twice_names_as_many() -> None:
    with pytest.raises(Usage, match="names a GPU twice") as caught:
        chosen(2, "0,0")
    assert caught.value.mend == "such as --gpus 0,1"


def test_a_gpu_that_can_nothing_is_offered_no_format() -> None:
    with pytest.raises(Usage, match=r"needs compute capability 7\.0, the GPU\(s\) 0 have 5\.0") as caught:
        deployment(compute="5.0")
    assert caught.value.mend == "other GPUs: --gpus LIST"


@pytest.mark.parametrize("words", ["4,4", "four", ","])
def test_any_number_of_gpus_converts_but_each_once(words: str) -> None:
    with pytest.raises(Usage, match="--convert-gpus"):
        chosen(2, converting=words)


@pytest.mark.parametrize("words", ["9", "hopper", "9.0a", "sm90"])
def test_a_compute_capability_is_two_numbers(words: str) -> None:
    with pytest.raises(Usage, match="such as --compute"):
        chosen(1, compute=words)


def test_calibration_has_gpus_of_its_own_and_the_engine_is_built_where_it_is_served() -> None:
    """The seed's 72B model is quantized on four GPUs and served on two of them."""
    plan = serve.plan(deployment("qwen2-72b", gpus="0,1", convert_gpus="0,1,2,3"), USER)
    contained = [step for step in plan.steps if step.where == "container" or step.tool == "docker"]
    given = {step.tool: gpus_of(plan, step) for step in contained}
    assert given["quantize"] == '"device=0,1,2,3"'
    assert given["trtllm-build"] == given["docker"] == '"device=0,1"'
    assert """--gpus '"device=0,1,2,3"'""" in str(plan)


def test_the_doctor_looks_at_the_gpus_that_are_named() -> None:
    assert build.preflight(deployment(gpus="2"), serves=True).argv[-2:] == ("--gpus", "2")
    assert "--gpus" not in build.preflight(deployment(gpus="0")).argv


def test_without_other_gpus_the_script_stays_short() -> None:
    plan = build.plan(deployment("qwen2-72b"), USER)
    assert str(plan).count("docker run") == 1


def test_which_gpus_they_are_does_not_decide_the_engine_and_their_kind_does() -> None:
    here = deployment(compute="9.0")
    assert deployment(compute="9.0", gpus="3", convert_gpus="0").engine_name == here.engine_name
    others = {deployment(compute=kind).engine_name for kind in ("", "8.0", "8.9")}
    assert len({*others, here.engine_name}) == 4
    assert "-tp1pp1-sm90-" in here.engine_name


def test_the_kind_is_that_of_the_serving_gpus_alone() -> None:
    assert compute_of(("8.0", "9.0", "9.0"), (1, 2)) == "9.0"
    assert compute_of(("9.0",), (0, 1)) == "9.0"  # too few GPUs is the doctor's to say
    assert compute_of(Unknown("nvidia-smi is not installed"), (0,)) == ""


def test_gpus_of_two_kinds_do_not_build_one_engine() -> None:
    with pytest.raises(Trouble, match=r"GPU 0 has 8.0, GPU 1 has 9.0"):
        compute_of(("8.0", "9.0"), (0, 1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quant": "fp8", "compute": "8.0"}, r"fp8 needs compute capability 8.9, the GPU\(s\) 0 have 8.0"),
        ({"dtype": "bfloat16", "compute": "7.5"}, "bfloat16 needs compute capability 8.0"),
        ({"quant": "int4_wo", "kv_cache_dtype": "fp8", "compute": "8.6"}, "fp8 needs compute capability 8.9"),
        ({"quant": "fp8", "feature": ["fp8-context-fmha"], "compute": "8.9"}, "the feature fp8-context-fmha needs"),
    ],
)
def test_formats_that_the_gpus_cannot_compute_in_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Usage, match=said) as caught:
        deployment("llama2-13b", **options)
    assert "int8_wo" in caught.value.mend
    assert deployment("llama2-13b", **{**options, "compute": "9.0"}).gpus.sm == 90
    assert deployment("llama2-13b", **{**options, "compute": ""}).gpus.sm is None


def test_the_least_compute_capability_of_a_feature_is_the_release_s_own() -> None:
    """Ada got FP8 arithmetic in the context phase's attention with v0.12.0."""
    ada: dict[str, Any] = {"quant": "fp8", "feature": ["fp8-context-fmha"], "compute": "8.9"}
    assert deployment("qwen2", tag="v0.12.0", **ada).gpus.sm == 89
    with pytest.raises(Usage, match=r"needs compute capability 9.0, the GPU\(s\) 0 have 8.9"):
        deployment("qwen2", tag="v0.11.0", **ada)
