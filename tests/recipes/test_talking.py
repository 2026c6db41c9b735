"""How each recipe's model is talked to: templates, special tokens, ends; the plan and the client say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment.contracts import placeholders
from environment.docker_run import launch
from environment.errors import Usage
from environment.plan import Plan
from recipes import serve
from recipes.ask import Manner, Target, target, text_of
from recipes.client import Question
from recipes.container_runs import record
from recipes.openai.served import served
from recipes.patches import ALWAYS
from recipes.prompt import chat_template, prompt
from recipes.recipe import AS_IT_SAYS, MODELS, chat_of, find
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.deployments import USER, deployment

TOKENIZER = {"tokenizer_class": "X", "eos_token": "</s>"}


def planned(recipe: str, **options: object) -> Plan:
    return serve.plan(deployment(recipe, **options), USER)


def edited(plan: Plan) -> list[str]:
    return [step.argv[1].removeprefix("--in-place=.before-") for step in plan.steps if step.tool == "sed"]


def folder(at: Path) -> Path:
    (at / "tokenizer_config.json").write_text(json.dumps(TOKENIZER))
    return at


@pytest.mark.parametrize(
    ("recipe", "tag", "edits"),
    [
        ("llama2-13b", "v0.6.1", ["leave-special-tokens"]),
        ("llama2-13b", "v0.7.0", []),
        ("llama2-13b", "v0.16.0", []),
        ("chatglm2", "v0.6.1", []),
        ("chatglm2", "v0.7.0", ["add-special-tokens"]),
        ("chatglm2", "v0.8.0", ["add-special-tokens"]),
        ("chatglm2", "v0.9.0", []),
        ("chatglm3", "v0.6.1", ["read-special-tokens", "leave-special-tokens"]),
        ("chatglm3", "v0.16.0", ["read-special-tokens"]),
        ("qwen2", "v0.10.0", []),
    ],
)
def test_a_template_is_edited_only_where_the_release_needs_it(recipe: str, tag: str, edits: list[str]) -> None:
    others = {"load-remote-code", "keep-special-tokens", *ALWAYS}  # test_patches.py
    assert [name for name in edited(planned(recipe, tag=tag)) if name not in others] == edits


@pytest.mark.parametrize(
    ("recipe", "model", "said"),
    [("qwen2", "", "False"), ("chatglm2", "", "True"), ("chatglm3", "", "False"), ("chatglm3", "base", "True")],
)
@pytest.mark.parametrize("tag", ["v0.10.0", "v0.16.0"])
def test_who_writes_the_first_special_tokens_is_said(recipe: str, model: str, said: str, tag: str) -> None:
    assert "add_special_tokens" in {each.name for each in placeholders(tag)["preprocessing"]}
    assert planned(recipe, tag=tag, model=model).templates["preprocessing"]["add_special_tokens"] == said


def test_a_recipe_brings_the_template_that_its_checkpoint_lacks(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}, {"role": "user", "content": "R"}]
    found = folder(tmp_path)
    assert prompt("世界", found, chat=chat_of("baichuan2-13b")) == "<reserved_106>世界<reserved_107>"
    assert prompt("世界", found, "S", chat_of("baichuan2-13b")) == "S<reserved_106>世界<reserved_107>"
    assert prompt("世界", found, chat=chat_of("chatglm2")) == "[Round 1]\n\n问：世界\n\n答："
    template = chat_template(found, chat_of("chatglm2"))
    assert template is not None
    assert template(talk) == "[Round 1]\n\n问：Q\n\n答：A\n\n[Round 2]\n\n问：R\n\n答："


def test_a_base_model_goes_on_with_the_text(tmp_path: Path) -> None:
    assert prompt("Once", SHIPPED, chat=chat_of("chatglm3:base")) == "Once"
    assert prompt("Once", folder(tmp_path)) == "Once"


def test_a_users_own_base_model_is_seen_in_its_files(tmp_path: Path) -> None:
    config = {"architectures": ["Qwen2ForCausalLM"], "num_attention_heads": 28, "num_key_value_heads": 4}
    (folder(tmp_path) / "config.json").write_text(json.dumps({**config, "hidden_size": 3584}))
    made = deployment("qwen2", model_dir=str(tmp_path))
    assert (made.recipe.chat.raw, made.add_special_tokens) == (True, True)
    assert deployment("qwen2", model_dir=str(SHIPPED)).recipe.chat == AS_IT_SAYS


def test_the_smoke_question_is_asked_as_the_recipe_says(tmp_path: Path) -> None:
    assert smoke(planned("chatglm3", model="base"))[-2:] == ("--recipe", "chatglm3:base")
    assert smoke(planned("baichuan2-13b"))[-2:] == ("--recipe", "baichuan2-13b")
    assert "--recipe" not in smoke(planned("qwen2"))
    mine = tmp_path / "mine.toml"
    mine.write_text((MODELS / "chatglm2.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert smoke(planned("mine", recipe_file=str(mine)))[-2:] == ("--recipe", str(mine))
    assert chat_of(str(mine)) == find("chatglm2").chat
    with pytest.raises(Usage, match="unknown model"):
        chat_of("chatglm3:bass")


def smoke(plan: Plan) -> tuple[str, ...]:
    (step,) = [step for step in plan.steps if step.argv[:2] == ("./inv", "ask")]
    return step.argv


def test_what_a_server_records_is_what_every_client_does() -> None:
    made = deployment("baichuan2-13b")
    step = next(step for step in serve.plan(made, USER).steps if step.tool == "docker")
    run = record(made, launch(step.argv), rehearsal=False)
    assert run.chat == made.recipe.chat
    assert target(run).chat == made.recipe.chat
    other = record(deployment("chatglm3"), launch(step.argv), rehearsal=False)
    assert served(other).stop == ("<|user|>", "<|observation|>")


def test_the_end_is_said_to_the_server_and_unsaid_where_unknown() -> None:
    assert Question(prompt="Q", end_id=2).tensors()["end_id"] == ("INT32", [2])
    assert "end_id" not in Question(prompt="Q").tensors()
    assert text_of(Target(address="127.0.0.1:9"), "Q", Manner(system="S")) == "S\nQ"
