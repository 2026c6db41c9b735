from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment.errors import Trouble
from recipes.prompt import prompt
from recipes.rehearsal.checkpoint import SHIPPED


def tokenizer(folder: Path, template: object, **special: object) -> Path:
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, **special}))
    return folder


def test_the_shipped_checkpoint_speaks_chatml() -> None:
    expected = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
    assert prompt("Q", SHIPPED, system="S") == expected


def test_special_tokens_and_named_templates_are_known(tmp_path: Path) -> None:
    named = [
        {"name": "tool_use", "template": "no"},
        {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"},
    ]
    folder = tokenizer(tmp_path, named, bos_token={"content": "<s>"})
    assert prompt("Q", folder) == "<s>Q"


def test_without_a_template_the_question_goes_as_it_is(tmp_path: Path) -> None:
    assert prompt("Q", tokenizer(tmp_path, None)) == "Q"
    assert prompt("Q", tmp_path / "nowhere") == "Q"


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system role') }}",
        "{% for %}",
        "{{ messages.nothing.more }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ 1 // 0 }}",
    ],
)
def test_a_template_that_fails_or_reaches_out_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(Trouble, match="chat template fails"):
        prompt("Q", tokenizer(tmp_path, template))
