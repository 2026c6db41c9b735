"""The plan of `serve`, against the release's real parsers and the mistakes of the how-to it replaces."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from environment.contracts import contract, placeholders, tools
from environment.plan import Plan, Step
from environment.releases import tags
from recipes import bench, build, local
from recipes.deploying import meant
from recipes.deployment import Deployment, Ports
from recipes.recipe import MODELS
from recipes.serve import plan
from tests.recipes.deployments import USER, deployment

GOLDEN = Path(__file__).parents[1] / "plans"
UPSTREAM_TOOLS = ("convert_checkpoint-qwen", "trtllm-build", "fill_template")
RELEASES = [tag for tag in tags() if set(UPSTREAM_TOOLS) <= set(tools(tag)) and Version(tag) >= Version("v0.10.0")]


def planned(**options: Any) -> Plan:
    return plan(deployment(**options), USER)


def step(made: Plan, tool: str) -> Step:
    (found,) = [step for step in made.steps if step.tool == tool]
    return found


def flag(found: Step, name: str) -> str:
    return found.argv[found.argv.index(name) + 1]


def test_the_preflight_looks_at_the_servers_own_ports() -> None:
    (usual,) = (step.argv for step in planned().steps if step.title == "Preflight")
    (other,) = (step.argv for step in planned(ports=Ports(http=8003, metrics=8004)).steps if step.title == "Preflight")
    assert other == (*usual, "--http-port", "8003", "--metrics-port", "8004")


def preflight(made: Plan) -> tuple[str, ...]:
    return made.steps[0].argv


@pytest.mark.parametrize("make", [build.plan, local.run, local.summarize, bench.plan])
def test_what_starts_no_server_looks_at_no_ports(make: Callable[[Deployment, str], Plan]) -> None:
    """It was refused while its own server, or anybody, listened on the usual ports."""
    assert preflight(make(deployment(ports=Ports(http=8003)), USER))[-1] == "--build"
    assert "--build" not in preflight(planned())


@pytest.mark.parametrize(
    ("recipe", "options"),
    [("llama2-13b", {"model": "70b", "tp": 16}), ("chatglm3", {"model": "32k"}), ("llama2-13b", {"quant": "fp8"})],
)
def test_the_preflight_of_a_pasted_plan_judges_the_very_model(recipe: str, options: dict[str, Any], own: Path) -> None:
    """The doctor was told the recipe alone: no variant, and a name that it does not know for a recipe's own file."""
    for more in ({}, {"recipe_file": str(own / f"{recipe}.recipe")}):
        made = deployment(recipe, **options, **more)
        words = preflight(planned(recipe=recipe, **options, **more))
        quant = words[words.index("--quant") + 1] if "--quant" in words else ""
        found = meant(words[words.index("--recipe") + 1], {}, tp=made.tp, quant=quant)
        assert (found.recipe, found.variant, found.quantization) == (made.recipe, made.variant, made.quantization)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The shipped recipes as files of one's own."""
    for name in ("llama2-13b", "chatglm3"):
        shutil.copy(MODELS / f"{name}.toml", tmp_path / f"{name}.recipe")
    return tmp_path


def test_of_ones_own_checkpoint_the_doctor_is_not_told_another_models_shape(tmp_path: Path) -> None:
    words = preflight(planned(model_dir=str(tmp_path / "mine"), quant="fp8"))
    assert not {"--recipe", "--quant"} & {*words}


REVIEWED: dict[str, dict[str, Any]] = {
    "serve-qwen2-tp4-v0.10.0": {"recipe": "qwen2", "tag": "v0.10.0", "tp": 4},
    "serve-qwen2-tp4-v0.12.0": {"recipe": "qwen2", "tag": "v0.12.0", "tp": 4},
    "serve-qwen2-72b-v0.10.0": {"recipe": "qwen2-72b", "tag": "v0.10.0"},
    "serve-llama2-13b-int4_wo-v0.10.0": {
        "recipe": "llama2-13b",
        "tag": "v0.10.0",
        "quant": "int4_wo",
        "kv_cache_dtype": "fp8",
        "limits": {"max_batch_size": 2},
    },
    "serve-chatglm3-tp2-v0.7.0": {"recipe": "chatglm3", "tag": "v0.7.0", "tp": 2},
    "serve-chatglm3-32k-v0.9.0": {"recipe": "chatglm3", "tag": "v0.9.0", "model": "32k"},
    "serve-chatglm3-v0.10.0": {"recipe": "chatglm3", "tag": "v0.10.0"},
    "build-qwen-vl-v0.10.0": {"recipe": "qwen-vl", "tag": "v0.10.0"},
}


@pytest.mark.parametrize("name", REVIEWED)
def test_the_plan_is_the_one_that_was_reviewed(name: str) -> None:
    """After a wanted change: REWRITE_PLANS=1 ./inv test --path tests/recipes/test_plan.py, and review it."""
    asked = deployment(**REVIEWED[name])
    golden, text = GOLDEN / f"{name}.sh", str((plan if asked.recipe.served else build.plan)(asked, USER))
    if os.environ.get("REWRITE_PLANS"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_reviewed_plan_is_compared() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sh") if path.name.startswith(("serve", "build"))} == set(REVIEWED)


@pytest.mark.parametrize("tag", RELEASES)
@pytest.mark.parametrize("split", [(1, 1), (4, 1), (2, 2), (1, 4)])
def test_every_flag_is_one_that_the_releases_own_parser_takes(tag: str, split: tuple[int, int]) -> None:
    made = planned(tag=tag, tp=split[0], pp=split[1])
    checked = [step for step in made.steps if step.tool in UPSTREAM_TOOLS]
    assert {step.tool for step in checked} == set(UPSTREAM_TOOLS)
    for found in checked:
        assert contract(tag, found.tool).problems(found.argv) == (), found.title


@pytest.mark.parametrize("tag", RELEASES)
def test_exactly_the_placeholders_of_the_release_are_filled(tag: str) -> None:
    wanted = {model: {each.name for each in has} for model, has in placeholders(tag).items()}
    templates = planned(tag=tag).templates
    assert {model: set(values) for model, values in templates.items()} == wanted
    for model, has in placeholders(tag).items():
        for each in has:
            value = templates[model][each.name]
            assert not each.values or value in each.values, f"{model}: {each.name}={value}"
            assert "$" not in value


def test_the_script_is_what_a_posix_shell_reads() -> None:
    subprocess.run(["sh", "-n"], input=str(planned(tp=4)), text=True, check=True)


def test_the_fill_steps_say_what_the_templates_say() -> None:
    """Upstream's filler splits at every comma and colon: no value may hold one."""
    made = planned(tp=4)
    fills = {step.title: step.argv[-1] for step in made.steps if step.tool == "fill_template"}
    assert len(fills) == len(made.templates)
    for model, values in made.templates.items():
        pairs = [pair.split(":") for pair in fills[f"Fill {model}/config.pbtxt"].split(",")]
        assert dict(pairs) == values


@pytest.mark.parametrize(("tp", "pp"), [(1, 1), (4, 1), (2, 2)])
def test_the_world_size_is_tp_times_pp_everywhere(tp: int, pp: int) -> None:
    """Seed mistake W16: an engine for one rank, served with four."""
    made = planned(tp=tp, pp=pp)
    convert, server = step(made, "convert_checkpoint-qwen"), step(made, "docker")
    assert (flag(convert, "--tp_size"), flag(convert, "--pp_size")) == (str(tp), str(pp))
    assert server.argv.count("/opt/tritonserver/bin/tritonserver") == tp * pp
    assert sum(word == "--load-model=tensorrt_llm" for word in server.argv) == tp * pp - 1
    devices = ",".join(str(gpu) for gpu in range(tp * pp))
    assert flag(server, "--gpus") == f'"device={devices}"'


def test_none_of_the_seeds_mistakes() -> None:
    made = planned(tp=4)
    triton, bls = made.templates["tensorrt_llm"], made.templates["tensorrt_llm_bls"]
    build = step(made, "trtllm-build")
    assert triton["triton_backend"] == "tensorrtllm"  # W14
    assert bls["tensorrt_llm_model_name"] == "tensorrt_llm"  # W15
    assert "--tp_size" not in build.argv  # W17
    longest = int(flag(build, "--max_input_len")) + int(flag(build, "--max_output_len"))  # W22
    assert int(triton["max_tokens_in_paged_kv_cache"]) >= longest
    assert int(triton["max_attention_window_size"]) >= longest
    assert flag(build, "--max_batch_size") == triton["triton_max_batch_size"]


def test_nothing_listens_beyond_loopback_and_nothing_is_mounted_writable_into_the_server() -> None:
    server = step(planned(tp=4), "docker").argv
    published = [server[n + 1] for n, word in enumerate(server) if word == "--publish"]
    mounted = [server[n + 1] for n, word in enumerate(server) if word == "--volume"]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert all(mount.endswith(":ro") for mount in mounted)
    assert not {"--privileged", "--network=host", "--ipc=host"} & set(server)


def test_the_server_is_never_root_and_what_writes_the_workspace_is_who_calls() -> None:
    for caller, server in (("0:0", "1000:1000"), ("1234:100", "1234:100")):
        made = plan(deployment(), caller)
        start = step(made, "docker")
        assert start.argv[start.argv.index("--user") + 1] == server
        assert made.in_image[made.in_image.index("--user") + 1] == caller


def test_a_users_checkpoint_is_neither_downloaded_nor_writable() -> None:
    made = planned(model_dir="/models/mine")
    assert "fetch" not in {step.tool for step in made.steps}
    assert "/models/mine:/models/mine:ro" in made.in_image


def test_half_an_artifact_never_has_the_final_name() -> None:
    made = planned(tp=4)
    for output in {step.output for step in made.steps if step.output}:
        *makers, last = [step for step in made.steps if step.output == output]
        if last.argv[:2] == ("./inv", "fetch"):  # makes it beside its place by itself (test_fetching.py)
            continue
        assert last.argv[:-1] == ("mv", f"{output}.partial") or last.argv[:4] == (
            "./inv",
            "engines",
            "--finish",
            output,
        )
        words = " ".join(word for maker in makers for word in maker.argv)
        assert not re.search(re.escape(output) + r"(?![.\w-])", words)
