"""Choices that a function of the source lists, such as benchmark.py's models: told without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.contracts.extraction.contracts import extract
from tests.environment.contracts.extraction.source_tree import write

SCRIPT = "tensorrt_llm/examples/qwen/convert_checkpoint.py"
PARSER = """
import argparse
from allowed import {name}

def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', choices={name}())
    return parser.parse_args()
"""
ALLOWED = """
_allowed = {"llama_7b": Config(1), "qwen_7b": Config(2)}

def get_allowed(kind=None):
    if kind is None:
        return set(_allowed.keys())
    else:
        return set(i.name for i in _allowed.values() if i.kind == kind)

def asks_more(kind):
    return set(_allowed.keys())

def does_more():
    print("hello")
    return set(_allowed.keys())
"""


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("get_allowed", ("llama_7b", "qwen_7b")),
        ("asks_more", {"expr": "asks_more()"}),
        ("does_more", {"expr": "does_more()"}),
    ],
)
def test_a_function_that_only_chooses_is_followed(name: str, choices: object, tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / SCRIPT).write_text(PARSER.format(name=name), encoding="utf-8")
    (root / SCRIPT).with_name("allowed.py").write_text(ALLOWED, encoding="utf-8")
    (tool,) = [each for each in extract(root, "v0.16.0").contracts if each.tool == "convert_checkpoint-qwen"]
    option = tool.option("--model")
    assert option is not None
    assert option.choices == choices
