"""Contracts are read out of source text; nothing of it is run, and what cannot be read is said."""

import subprocess
from pathlib import Path

import pytest

from environment.contracts import Contract, Option, templates
from environment.contracts.extraction import report
from environment.contracts.extraction.contracts import Extracted, extract
from environment.errors import Trouble, Usage
from tests.environment.contracts.extraction.source_tree import write

BUILD = "tensorrt_llm/tensorrt_llm/commands/build.py"


@pytest.fixture
def found(tmp_path: Path) -> Extracted:
    return extract(write(tmp_path), "v0.16.0")


def tool(found: Extracted, name: str) -> Contract:
    return next(contract for contract in found.contracts if contract.tool == name)


def option(found: Extracted, name: str, flag: str) -> Option:
    option = tool(found, name).option(flag)
    assert option is not None
    return option


def test_every_program_of_the_tree_is_read(found: Extracted) -> None:
    tools = {contract.tool: contract.kind for contract in found.contracts}
    assert tools == {
        "trtllm-build": "argparse",
        "convert_checkpoint-qwen": "argparse",
        "prepare_dataset": "click",
        "gptManagerBenchmark": "cxxopts",
    }
    assert found.unread == ()


def test_nothing_of_the_tree_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    extract(write(tmp_path), "v0.16.0")
    assert not (tmp_path / "ran").exists()


CONVERT = {
    "from an imported helper": ("--tp_size", Option(flags=("--tp_size",), type="int", default=1)),
    "required": ("--model_dir", Option(flags=("--model_dir",), required=True)),
    "two values": ("--scaling", Option(flags=("--scaling",), nargs=2)),
    "a negative default": ("--offset", Option(flags=("--offset",), type="float", default=-1e-5)),
    "a value that may be left out": (
        "--precision",
        Option(flags=("--precision",), nargs="?", const="int8", default="int8", choices=("int8", "int4")),
    ),
    "a switch with its opposite": (
        "--no-overlap",
        Option(flags=("--overlap", "--no-overlap"), action="optional", default=True),
    ),
    "one of two": ("--fast", Option(flags=("--fast",), action="store_true", one_of="line 13")),
    "from a loop over literals": ("--beta", Option(flags=("--beta",), type="int", default=15)),
    "a default only a running program knows": (
        "--cache",
        Option(flags=("--cache",), default={"expr": "os.path.expanduser('~')"}),
    ),
    "a list that grows": ("--names", Option(flags=("--names",), action="append")),
}


@pytest.mark.parametrize("name", CONVERT)
def test_argparse_options(name: str, found: Extracted) -> None:
    flag, expected = CONVERT[name]
    assert option(found, "convert_checkpoint-qwen", flag) == expected


BUILDS = {
    "a default of a class of another file": (
        "--max_batch_size",
        Option(flags=("--max_batch_size",), type="int", default=256),
    ),
    "two flags": ("--max_seq_len", Option(flags=("--max_seq_len", "--max_decoder_seq_len"), type="int")),
    "choices from the keys of a table": (
        "--log_level",
        Option(flags=("--log_level",), default="info", choices=("info", "error")),
    ),
    "choices from a class": (
        "--modules",
        Option(flags=("--modules",), nargs="+", choices=("attn_qkv", "attn_q"), group="LoRA arguments"),
    ),
    "a switch off by a class": ("--strip", Option(flags=("--strip",), action="store_true")),
    "no default at all": ("--kv", Option(flags=("--kv",))),
    "a dataclass field with its own choices": (
        "--gemm_plugin",
        Option(flags=("--gemm_plugin",), default="disable", choices=("fp8", "disable"), group="plugin_config"),
    ),
    "a dataclass field with the common choices": (
        "--moe_plugin",
        Option(flags=("--moe_plugin",), default="auto", choices=("auto", "float16", "disable"), group="plugin_config"),
    ),
    "a dataclass field that is a bool": (
        "--context_fmha",
        Option(flags=("--context_fmha",), default="enable", choices=("enable", "disable"), group="plugin_config"),
    ),
    "a dataclass field with its type": (
        "--tokens_per_block",
        Option(flags=("--tokens_per_block",), type="int", default=64, group="plugin_config"),
    ),
}


@pytest.mark.parametrize("name", BUILDS)
def test_options_made_in_a_loop_over_the_fields_of_a_dataclass(name: str, found: Extracted) -> None:
    flag, expected = BUILDS[name]
    assert option(found, "trtllm-build", flag) == expected


def test_a_field_that_the_loop_skips_is_no_option(found: Extracted) -> None:
    assert tool(found, "trtllm-build").option("--hidden") is None


def test_click_options_belong_to_the_group_or_to_a_subcommand(found: Extracted) -> None:
    dataset = tool(found, "prepare_dataset")
    assert dataset.commands == ("token-norm-dist",)
    assert dataset.options == (
        Option(flags=("--tokenizer",), required=True),
        Option(flags=("--stdout",), action="flag"),
        Option(flags=("--log-level",), default="info", choices=("info", "debug")),
        Option(flags=("--num-requests",), type="int", required=True, subcommand="token-norm-dist"),
        Option(flags=("--pair",), type="int", nargs=2, subcommand="token-norm-dist"),
    )


def test_cxxopts_options_come_from_the_text(found: Extracted) -> None:
    assert tool(found, "gptManagerBenchmark").options == (
        Option(flags=("-h", "--help"), action="flag"),
        Option(flags=("--engine_dir", "--decoder_engine_dir")),
        Option(flags=("--beam_width",), type="int", default="1"),
        Option(flags=("--streaming",), action="bool", default="false"),
    )


def test_placeholders_say_what_the_template_alone_tells(found: Extracted) -> None:
    assert found.templates is not None
    rows = {row.name: row for row in found.templates.models["tensorrt_llm"].placeholders}
    assert (rows["triton_max_batch_size"].occurrences, rows["triton_max_batch_size"].required) == (2, True)
    assert (rows["max_queue_size"].field, rows["max_queue_size"].required) == ("max_queue_size", True)
    assert (rows["engine_dir"].parameter, rows["engine_dir"].quoted) == ("gpt_model_path", True)
    assert rows["gone"].commented_out
    assert not rows["brand_new"].verified
    assert "not looked at" in rows["brand_new"].if_unfilled


def test_what_other_releases_tell_of_a_placeholder_is_carried_over_as_unverified(tmp_path: Path) -> None:
    carried = extract(write(tmp_path), "v0.20.0").templates
    assert carried is not None
    row = next(row for row in carried.models["tensorrt_llm"].placeholders if row.name == "engine_dir")
    assert row.required
    assert not row.verified


def test_a_tree_that_is_no_checkout_is_never_exact(found: Extracted) -> None:
    assert not any(contract.exact_commit for contract in found.contracts)
    assert tool(found, "trtllm-build").source[0] == "NVIDIA/TensorRT-LLM@unknown:tensorrt_llm/commands/build.py"


def test_a_checkout_names_its_commit_and_is_not_exact_unless_it_is_the_pinned_one(tmp_path: Path) -> None:
    root = write(tmp_path) / "tensorrt_llm"
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    source = tool(extract(tmp_path, "v0.16.0"), "trtllm-build").source[0]
    assert source == f"NVIDIA/TensorRT-LLM@{head.stdout.strip()}:tensorrt_llm/commands/build.py"
    (tmp_path / BUILD).write_text("changed = 1\n")
    assert "@unknown:" in tool(extract(tmp_path, "v0.16.0"), "prepare_dataset").source[0]


BROKEN = {
    "no Python": (BUILD, "def (:\n", "is no Python"),
    "cut off": (BUILD, "parser.add_argument('--x',", "is no Python"),
    "no text": (BUILD, "\x00", "is no Python"),
    "no options": (BUILD, "print('hello')\n", "no options found"),
    "a custom action": (
        BUILD,
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--x', action=Mine)\n",
        "a kind that is not known",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_program_that_cannot_be_read_is_named_and_the_others_are_read(name: str, tmp_path: Path) -> None:
    file, text, words = BROKEN[name]
    found = extract(write(tmp_path, {file: text}), "v0.16.0")
    (unread,) = found.unread
    assert unread.startswith("trtllm-build: ")
    assert words in unread
    assert len(found.contracts) == 3


def test_a_helper_that_calls_itself_ends(tmp_path: Path) -> None:
    text = (
        "import argparse\ndef add(p):\n    p.add_argument('--x')\n    add(p)\np = argparse.ArgumentParser()\nadd(p)\n"
    )
    found = extract(write(tmp_path, {BUILD: text}), "v0.16.0")
    assert [o.flags for o in tool(found, "trtllm-build").options] == [("--x",)]


def test_a_folder_without_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="holds neither"):
        extract(tmp_path, "v0.16.0")
    with pytest.raises(Usage, match="unknown release"):
        extract(tmp_path, "v9.9.9")


def test_what_is_written_is_read_back_and_agrees(found: Extracted, tmp_path: Path) -> None:
    report.write(found, tmp_path / "out")
    assert report.differences(found, tmp_path / "out") == ()
    assert len(list((tmp_path / "out").glob("*.json"))) == 5
    assert "4 programs" in report.told(found, "v0.16.0", tmp_path)


def test_differences_name_the_option(found: Extracted, tmp_path: Path) -> None:
    report.write(found, tmp_path)
    file = tmp_path / "trtllm-build.json"
    file.write_text(file.read_text().replace('"default": 256', '"default": 8').replace("--strip", "--stripped"))
    lines = report.differences(found, tmp_path)
    assert any(line.startswith("trtllm-build: --max_batch_size is") for line in lines)
    assert "trtllm-build: --strip is in the source and not in the file" in lines
    assert "trtllm-build: --stripped is in the file and not in the source" in lines
    (tmp_path / "prepare_dataset.json").unlink()
    assert "prepare_dataset: no file is shipped for it" in report.differences(found, tmp_path)


def test_the_shipped_templates_follow_the_releases() -> None:
    names = {
        tag: {row.name for row in templates(tag).models["tensorrt_llm"].placeholders} for tag in ("v0.7.1", "v0.16.0")
    }
    assert "triton_backend" not in names["v0.7.1"]
    assert {"triton_backend", "max_queue_size", "encoder_input_features_data_type"} <= names["v0.16.0"]
