"""Every contract file loads, cites its sources, and its rules speak of options it has."""

import re
from pathlib import Path

import msgspec
import pytest

from environment.contracts import Contract, Templates, contract, placeholders, templates, tools
from environment.contracts.catalogue import FOLDER
from environment.contracts.writing import text
from environment.data import read_json
from environment.errors import Trouble, Usage
from environment.releases import find

FILES = sorted(path for path in FOLDER.glob("v*/*.json") if path.stem != "placeholders")
TEMPLATES = sorted(FOLDER.glob("v*/placeholders.json"))


CONTRACTS = {path: read_json(path, Contract) for path in FILES}
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_contract_is_whole() -> None:
    for path, found in CONTRACTS.items():
        assert (found.release, found.tool) == (path.parent.name, path.stem)
        commits = [source.partition("@")[2].partition(":")[0] for source in found.source]
        assert all(":" in source for source in found.source), named(path)
        assert all(len(commit) == 40 for commit in commits), named(path)
        assert found.options or not found.exact_commit, named(path)
        assert text(found) == path.read_text(encoding="utf-8"), named(path)
        assert not CONTROLS.search(text(found)), named(path)


def test_the_rules_of_every_contract_speak_of_its_options() -> None:
    for path, found in CONTRACTS.items():
        names = {option.name for option in found.options}
        judges = [msgspec.to_builtins(check.judge) for check in found.checks if check.judge is not None]
        flags = {word for judge in judges for word in _words(judge) if word.startswith("--")}
        assert flags <= names, (named(path), flags - names)


def _words(value: object) -> list[str]:
    if isinstance(value, dict):
        return [word for part in value.values() for word in _words(part)]
    if isinstance(value, (list, tuple)):
        return [word for part in value for word in _words(part)]
    return [value] if isinstance(value, str) else []


def test_no_flag_of_a_program_is_ambiguous() -> None:
    for path, found in CONTRACTS.items():
        seen = [(option.subcommand, flag) for option in found.options for flag in option.flags]
        assert len(seen) == len(set(seen)), named(path)


def test_every_contract_names_the_commit_of_its_release() -> None:
    for path, found in CONTRACTS.items():
        release = find(path.parent.name)
        commits = {source.partition("@")[2].partition(":")[0] for source in found.source}
        known = {release.backend.commit, release.tensorrt_llm.commit}
        assert not found.exact_commit or commits <= known, named(path)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_the_placeholders_of_a_release_are_whole(path: Path) -> None:
    found = read_json(path, Templates)
    assert found.release == path.parent.name
    assert {"ensemble", "preprocessing", "tensorrt_llm", "postprocessing"} <= set(found.models)
    assert text(found) == path.read_text(encoding="utf-8")
    for model, template in found.models.items():
        names = [placeholder.name for placeholder in template.placeholders]
        assert len(names) == len(set(names)), model


def test_placeholders_by_model() -> None:
    found = placeholders("v0.10.0")
    assert [p.name for p in found["ensemble"]] == ["triton_max_batch_size"]
    by_name = {p.name: p for p in found["tensorrt_llm"]}
    assert by_name["triton_backend"].values == ("tensorrtllm", "python")
    assert by_name["triton_max_batch_size"].required
    assert not by_name["triton_max_batch_size"].quoted
    assert by_name["max_beam_width"].default == "1"


def test_what_is_known_of_a_release() -> None:
    assert {"trtllm-build", "convert_checkpoint-qwen", "run", "gptManagerBenchmark"} <= set(tools("v0.10.0"))
    assert "build-chatglm" in tools("v0.7.1")
    assert "placeholders" not in tools("v0.10.0")


def test_a_program_that_is_not_known_is_a_trouble_naming_what_is() -> None:
    with pytest.raises(Trouble, match="nothing is known of nvcc in") as caught:
        contract("v0.10.0", "nvcc")
    assert "trtllm-build" in caught.value.why
    with pytest.raises(Trouble, match="placeholders"):
        templates("v1.2.1")
    with pytest.raises(Usage, match="unknown release"):
        contract("v9.9.9", "run")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"kind": "argparse"', '"kind": "getopt"', "$.kind"),
        ('"source": [', '"sources": [', "sources"),
        ('"flags": ["--checkpoint_dir"]', '"flag": "--checkpoint_dir"', "flag"),
        ('"kind": "one_of"', '"kind": "eval"', "eval"),
        ('"effect": "error"', '"effect": "boom"', "effect"),
        ('"action": "store_true"', '"action": "exec"', "action"),
    ],
)
def test_a_broken_file_is_refused_and_the_field_named(old: str, new: str, field: str, tmp_path: Path) -> None:
    whole = (FOLDER / "v0.10.0" / "trtllm-build.json").read_text(encoding="utf-8")
    assert old in whole
    file = tmp_path / "trtllm-build.json"
    file.write_text(whole.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Trouble) as caught:
        read_json(file, Contract)
    assert field in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe{}", b'{"release": ' + b"[" * 5000])
def test_a_file_that_is_no_contract_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content)
    with pytest.raises(Trouble, match=r"run\.json"):
        read_json(file, Contract)
