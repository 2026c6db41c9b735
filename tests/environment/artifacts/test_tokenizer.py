from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from environment.artifacts.heads import Damaged
from environment.artifacts.tokenizer import Tokenizer, parse_tokenizer, read_tokenizer
from environment.unknown import Unknown


def seen(at: Path, config: object, *files: str) -> Tokenizer:
    (at / "tokenizer_config.json").write_text(json.dumps(config))
    for name in files:
        (at / name).touch()
    found = read_tokenizer(at)
    assert isinstance(found, Tokenizer)
    return found


def test_reads_class_special_tokens_and_template(tmp_path: Path) -> None:
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_bos_token": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": {"content": "<|endoftext|>", "lstrip": False},
        "chat_template": [{"name": "tool", "template": "no"}, {"name": "default", "template": "yes"}],
    }
    found = seen(tmp_path, config, "tokenizer.json", "qwen.tiktoken", "README.md")
    assert found.tokenizer_class == "Qwen2Tokenizer"
    assert found.special_tokens == {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    assert found.chat_template == "yes"
    assert found.vocabularies == ("qwen.tiktoken", "tokenizer.json")


def test_a_template_file_wins(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert seen(tmp_path, {"chat_template": "old"}).chat_template == "{{ messages }}"


def test_the_code_of_chatglm_is_missed(tmp_path: Path) -> None:
    config = {
        "tokenizer_class": "ChatGLMTokenizer",
        "auto_map": {"AutoTokenizer": ["tokenization_chatglm.ChatGLMTokenizer", None]},
    }
    assert seen(tmp_path, config).missing_code == ("tokenization_chatglm.ChatGLMTokenizer",)
    assert seen(tmp_path, config, "tokenization_chatglm.py").missing_code == ()


def test_a_vocabulary_alone_is_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").touch()
    assert isinstance(read_tokenizer(tmp_path), Tokenizer)


def test_what_is_no_tokenizer(tmp_path: Path) -> None:
    assert isinstance(read_tokenizer(tmp_path), Unknown)
    assert isinstance(read_tokenizer(tmp_path / "absent"), Unknown)
    (tmp_path / "tokenizer_config.json").write_bytes(b"\x80\x04")
    assert isinstance(read_tokenizer(tmp_path), Damaged)


values = st.none() | st.booleans() | st.text(max_size=9) | st.lists(st.none() | st.dictionaries(st.text(), st.text()))
keys = st.sampled_from(["tokenizer_class", "chat_template", "auto_map", "eos_token", "x"])


@given(st.dictionaries(keys, values | st.dictionaries(st.text(max_size=9), values)))
def test_any_config_gets_an_answer(config: dict[str, object]) -> None:
    assert isinstance(parse_tokenizer(config, "", (), ()), Tokenizer)
