from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from doctor.asked import Named
from doctor.facts.artifacts import NOT_READ, Artifacts
from doctor.judgement import subject
from doctor.probes.artifacts import deep_probes, paths_of, probes
from doctor.probes.taking import take
from doctor.template_code import TemplateCode, parse, released
from environment.artifacts.digests import read_digests
from environment.artifacts.engine import Engine
from environment.artifacts.heads import Damaged
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, RepositoryModel
from environment.artifacts.tokenizer import Tokenizer, TokenizerCode, parse_code
from environment.errors import Usage
from environment.releases import Release, find
from environment.unknown import Unknown
from tests.doctor.well import WELL
from tests.environment.artifacts import engine_folders, repository_folders
from tests.environment.artifacts.test_checkpoint import CHATGLM3, folder

V10, V16 = find("v0.10.0"), find("v0.16.0")


def read(release: Release, named: Named) -> Artifacts:
    """What a visit learns of the named folders."""
    return subject(take((*probes(named), *deep_probes(named))), release, WELL.asked).artifacts


def test_nothing_named_is_nothing_read() -> None:
    found = read(V10, Named())
    assert (found.engine, found.checkpoint, found.tokenizer, found.repository, found.digests) == (None,) * 5
    assert (found.placeholders, found.template) == (NOT_READ, released("v0.10.0"))


def test_reads_what_was_named(tmp_path: Path) -> None:
    engine = engine_folders.engine(tmp_path / "engine")
    repository = repository_folders.repository(tmp_path / "repository")
    model = folder(tmp_path / "model", CHATGLM3, tokenizer_config__json={"tokenizer_class": "ChatGLMTokenizer"})
    found = read(V10, Named(engine=str(engine), model=str(model), repository=str(repository)))
    assert isinstance(found.engine, Engine)
    assert isinstance(found.tokenizer, Tokenizer)
    assert isinstance(found.repository, ModelRepository)
    assert found.paths == {"/engines/qwen2": False, "/models/qwen2": False}
    assert found.writable == ()
    assert not isinstance(found.placeholders, Unknown)


def test_the_repositorys_own_code_is_believed_before_the_releases(tmp_path: Path) -> None:
    code = "self.tokenizer = AutoTokenizer.from_pretrained(d)\nself.tokenizer.pad_token = self.tokenizer.eos_token\n"
    repository_folders.model(tmp_path, "preprocessing", "", model__py=code)
    template = read(V16, Named(repository=str(tmp_path))).template
    assert template == TemplateCode(assigns="always", trusts_remote_code=False, source="preprocessing/1/model.py")


PAD = "self.tokenizer.pad_token = self.tokenizer.eos_token"
LOADED = "        self.tokenizer = AutoTokenizer.from_pretrained(d, trust_remote_code=True)\n"


@pytest.mark.parametrize(
    ("line", "assigns"),
    [
        (f"        {PAD}\n", "always"),
        (f"        #{PAD}\n", "never"),
        (f"        if not self.tokenizer.pad_token:\n            {PAD}\n", "when-missing"),
        (f"        if self.tokenizer.pad_token is None:\n            {PAD}\n", "when-missing"),
        (f"        if self.tokenizer.pad_token is None: {PAD}\n", "when-missing"),
        (f"        if x:  # no pad_token:\n            {PAD}\n", "always"),
        (f"        if not self.tokenizer.pad_token:\n            {PAD}\n        {PAD}\n", "always"),
        ("        self.tokenizer.pad_token='<unk>'\n", "always"),
        ("        if self.tokenizer.pad_token == 1:\n            pass\n", "never"),
    ],
)
def test_when_a_template_assigns_pad_token(line: str, assigns: str) -> None:
    assert parse(LOADED + line, "x").assigns == assigns


def test_the_worst_of_the_repositorys_models_decides(tmp_path: Path) -> None:
    repository_folders.model(tmp_path, "preprocessing", "", model__py=f"{LOADED}        {PAD}\n")
    repository_folders.model(tmp_path, "postprocessing", "", model__py=LOADED)
    template = read(V16, Named(repository=str(tmp_path))).template
    assert template == TemplateCode(assigns="always", trusts_remote_code=True, source="preprocessing/1/model.py")


def test_a_path_counts_where_it_is_whole_and_an_engines_is_a_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine").mkdir()
    (tmp_path / "rank0.engine").write_text("")
    (tmp_path / "gone").symlink_to("nowhere")
    said = {
        "engine_dir": ("engine", f"{tmp_path}/engine", f"{tmp_path}/rank0.engine"),
        "tokenizer_dir": (f"{tmp_path}/gone",),
    }
    models = [
        RepositoryModel(folder="m", versions=(1,), version_files=(), config=Config(parameters=((name, path),)))
        for name, paths in said.items()
        for path in paths
    ]
    found = paths_of(ModelRepository(models=tuple(models), others=()))
    assert found == {path: path == f"{tmp_path}/engine" for paths in said.values() for path in paths}


def test_a_folder_without_models_is_no_repository(tmp_path: Path) -> None:
    assert read(V10, Named(repository=str(tmp_path))).repository == Damaged("no folder in it holds a config.pbtxt")


def test_what_everybody_may_write_of_a_repository_is_named(tmp_path: Path) -> None:
    folder = repository_folders.model(tmp_path, "preprocessing", "", model__py=LOADED)
    (folder / "1" / "model.py").chmod(0o666)
    assert read(V10, Named(repository=str(tmp_path))).open_repository == ("preprocessing/1/model.py",)


def test_what_everybody_may_write_is_named(tmp_path: Path) -> None:
    engine = engine_folders.engine(tmp_path / "engine")
    (engine / "rank0.engine").chmod(0o666)
    assert read(V10, Named(engine=str(engine))).writable == ("rank0.engine",)


@pytest.mark.parametrize("named", [Named(engine="/nowhere"), Named(model="/nowhere"), Named(repository="/nowhere")])
def test_what_is_no_folder_is_a_slip_of_the_command(named: Named) -> None:
    with pytest.raises(Usage, match="/nowhere is no folder"):
        read(V10, named)


def test_as_many_ranks_are_launched_as_the_engine_has_unless_they_were_named(tmp_path: Path) -> None:
    readings = take(probes(Named(engine=str(engine_folders.engine(tmp_path)))))
    asked = subject(readings, V10, WELL.asked).asked
    assert (asked.gpus, asked.devices) == (2, (0, 1))
    assert subject(readings, V10, replace(WELL.asked, devices=(3, 1))).asked.devices == (3, 1)
    assert subject({}, V10, WELL.asked).asked.gpus == 1


def test_what_was_fetched_here_is_compared_with_its_own_record(tmp_path: Path) -> None:
    (tmp_path / "whole.bin").write_bytes(b"weights")
    (tmp_path / "changed.bin").write_bytes(b"changed")
    sums = {name: hashlib.sha256(b"weights").hexdigest() for name in ("whole.bin", "changed.bin", "gone.bin")}
    (tmp_path / "sha256.json").write_text(json.dumps({"sha256": {**sums, "odd": 7}}))
    found = read_digests(tmp_path)
    assert isinstance(found, tuple)
    assert [(each.name, each.actual == each.recorded) for each in found] == [
        ("changed.bin", False),
        ("whole.bin", True),
    ]


def test_digests_are_compared_with_what_was_recorded(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    whole = hashlib.sha256(b"weights").hexdigest()
    (blobs / whole).write_bytes(b"changed")
    (snapshot / "model.safetensors").symlink_to(blobs / whole)
    (snapshot / "local.bin").write_bytes(b"weights")
    (snapshot / "small.json").write_text("{}")
    notes = snapshot / ".cache/huggingface/download"
    notes.mkdir(parents=True)
    (notes / "local.bin.metadata").write_text(f"{'a' * 40}\n{whole}\n0\n")
    found = read_digests(snapshot)
    assert not isinstance(found, Unknown)
    assert {digest.name: digest.actual == digest.recorded for digest in found} == {
        "model.safetensors": False,
        "local.bin": True,
    }
    assert isinstance(read_digests(tmp_path / "absent"), Unknown)


# How the tokenizers of ChatGLM2 and ChatGLM3 are written (zai-org/chatglm3-6b, tokenization_chatglm.py), in short.
OWN = """
class ChatGLMTokenizer(PreTrainedTokenizer):
    def __init__(self, vocab_file, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = SPTokenizer(vocab_file)

    @property
    def pad_token(self) -> str:
        return "<unk>"

    @property
    def eos_token(self) -> str:
        return "</s>"

    @eos_token.setter
    def eos_token(self, value): ...

    def _pad(
            self,
            encoded_inputs,
            return_attention_mask=None,
    ) -> dict:
        return encoded_inputs
"""


def test_a_tokenizers_own_code_is_searched_and_never_run(tmp_path: Path) -> None:
    assert parse_code(OWN) == TokenizerCode(
        read_only=frozenset({"pad_token"}), takes_padding_side=False, vocabulary_first=False
    )
    assert parse_code("") == TokenizerCode()
    assert parse_code(OWN.replace("return_attention_mask=None,", "padding_side=None,")).takes_padding_side
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<unk>"}))
    (tmp_path / "tokenization_chatglm.py").write_text(f"raise SystemExit\n{OWN}")
    found = read(V10, Named(model=str(tmp_path))).tokenizer
    assert isinstance(found, Tokenizer)
    assert isinstance(found.code, TokenizerCode)
    assert found.code.read_only == {"pad_token"}
