"""The tensors of every release that can be rehearsed: read, written as Triton reads them, and served."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from environment.artifacts.model_config import Config, parse_config
from environment.errors import Usage
from environment.releases import find
from environment.workspace import Workspace
from recipes import running, runs
from recipes.client import Answer, Question, Refused, ask, ask_any
from recipes.generate import generate
from recipes.openai.triton import Server
from recipes.ports import free_ports
from recipes.prompt import prompt
from recipes.rehearsal import preparation, repository
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.rehearse import Rehearsal, rehearse
from recipes.rehearsal.tensors import FOLDER, Tensor, Tensors, for_release
from tests.waiting import soon

FILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
LAYOUT = repository.Layout(tokenizer=Path("/c"), engine=Path("/e"), max_batch_size=8)


def parse(text: str) -> Config:
    found = parse_config(text)
    assert isinstance(found, Config), found
    return found


@pytest.mark.parametrize("tag", FILES)
def test_every_file_becomes_what_triton_reads(tag: str) -> None:
    tensors = for_release(tag)
    for name, model in tensors.models.items():
        config = parse(repository.config(name, tensors, LAYOUT))
        assert config.inputs == tuple(model.inputs)
        assert config.outputs == tuple(model.outputs)
        assert config.max_batch_size == 8
    assert config.steps[0] == "preprocessing"


def test_every_release_is_known_and_stands_in_one_file() -> None:
    counted = Counter(tag for name in FILES for tag in for_release(name).releases)
    assert set(counted.values()) == {1}
    assert all(find(tag).tag == tag for tag in counted)


def test_a_release_without_tensors_is_named_with_those_that_have_some() -> None:
    """A known release was called unknown, and v0.15.0 offered for v0.5.0."""
    with pytest.raises(Usage, match=r"v0.5.0 cannot be rehearsed(.|\n)*described: v0.7.0, .*, v0.9.0, v0.10.0"):
        for_release("v0.5.0")


def test_a_path_with_quotes_and_backslashes_stays_a_path() -> None:
    layout = repository.Layout(tokenizer=Path('/a "b"\\c'), engine=Path("/é"), max_batch_size=1)
    tensors = for_release("v0.10.0")
    config = parse(repository.config("preprocessing", tensors, layout))
    assert config.parameter("tokenizer_dir") == '/a "b"\\c'
    assert parse(repository.config("tensorrt_llm", tensors, layout)).parameter("gpt_model_path") == "/é"


@pytest.mark.triton
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # on purpose
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tag", FILES)
def test_every_files_layout_is_served_and_streams(tag: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ports = dict(zip(("http", "grpc", "metrics"), free_ports(3, 24000 + os.getpid() % 1000), strict=True))
    run, _ = rehearse(Rehearsal(name="r", recipe="qwen2", release=tag, ports=ports), workspace)
    try:
        pieces = list(ask(run.address, Question(prompt=prompt("陆地上最快的动物是什么?", SHIPPED))))
    finally:
        running.stop(workspace.runs, run)
    assert "猎豹🐆" in "".join(pieces)
    assert len(pieces) > 5


def renamed(tensors: Tensors, names: dict[str, str]) -> Tensors:
    """The tensors as v0.20.0 and later name them, in both models and in what joins them."""

    def new(inputs: dict[str, Any]) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in inputs.items()}

    models = {name: replace(model, inputs=new(model.inputs)) for name, model in tensors.models.items()}
    steps = tuple(
        replace(step, inputs={names.get(name, name): names.get(said, said) for name, said in step.inputs.items()})
        for step in tensors.steps
    )
    return replace(tensors, models=models, steps=steps)


@pytest.mark.triton
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # on purpose
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_with_the_names_of_v0_20_0_is_asked_by_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = renamed(for_release("v0.10.0"), {"min_length": "min_tokens", "random_seed": "seed"})
    monkeypatch.setattr(preparation, "for_release", lambda _: new)
    workspace = Workspace(tmp_path)
    ports = dict(zip(("http", "grpc", "metrics"), free_ports(3, 24000 + os.getpid() % 1000), strict=True))
    run, _ = rehearse(Rehearsal(name="r", recipe="qwen2", release="v0.10.0", ports=ports), workspace)
    asked = Question(prompt="x", max_tokens=300, min_tokens=300, seed=3)
    try:
        text = "".join(ask(run.address, asked))
        assert len(text) > len("".join(ask(run.address, Question(prompt="x", max_tokens=300))))
        assert generate(f"127.0.0.1:{run.http}", asked) == text
        assert asyncio.run(streamed(run.address, asked)) == text
    finally:
        running.stop(workspace.runs, run)


async def streamed(address: str, asked: Question) -> str:
    """The answer by the door of the gateway."""
    server = Server(address)
    try:
        return "".join([piece async for piece in server.answer(asked, 30)])
    finally:
        await server.close()


LIMIT = "_REQUEST_OUTPUT_LEN"  # what the ensemble calls the longest answer between its models


def unsigned(tensors: Tensors) -> Tensors:
    """The tensors as servers before v0.7.0 have them: every whole number of a request is unsigned."""
    changed = {name for name, tensor in tensors.models["ensemble"].inputs.items() if tensor.type == "INT32"}
    takes = {("ensemble", name) for name in changed}
    for step in tensors.steps:
        joined = {**step.inputs, **step.outputs}
        takes |= {(step.model, key) for key, said in joined.items() if said in {*changed, LIMIT}}

    def changed_in(model: str, named: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: replace(tensor, type="UINT32") if (model, name) in takes else tensor for name, tensor in named.items()
        }

    models = {
        model: replace(made, inputs=changed_in(model, made.inputs), outputs=changed_in(model, made.outputs))
        for model, made in tensors.models.items()
    }
    return replace(tensors, models=models)


@pytest.mark.triton
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # on purpose
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_takes_unsigned_numbers_is_asked_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = unsigned(for_release("v0.7.0"))
    assert old.models["ensemble"].inputs["max_tokens"].type == "UINT32"
    monkeypatch.setattr(preparation, "for_release", lambda _: old)
    workspace = Workspace(tmp_path)
    ports = dict(zip(("http", "grpc", "metrics"), free_ports(3, 24000 + os.getpid() % 1000), strict=True))
    run, _ = rehearse(Rehearsal(name="r", recipe="qwen2", release="v0.7.0", ports=ports), workspace)
    asked, answer = Question(prompt=prompt("Who are you?", SHIPPED), end_id=2), Answer()
    try:
        with pytest.raises(Refused, match="expects 'UINT32'"):
            list(ask(run.address, asked))
        text = "".join(ask_any(run.address, asked, answer))
        assert asyncio.run(streamed(run.address, asked)) == text
        with pytest.raises(Refused, match="max_position_embeddings"):
            list(ask_any(run.address, Question(prompt="x", max_tokens=100_000), Answer()))
        left = ask_any(run.address, Question(prompt="x", max_tokens=1900, min_tokens=1900), Answer())
        next(left)
        left.close()
        log = runs.folder(workspace.runs, "r") / runs.LOG
        assert soon(lambda: "a client cancelled its request" in log.read_text())
    finally:
        running.stop(workspace.runs, run)
    assert text == answer.text == "I am the rehearsal's tiny model. I run on a CPU and need no GPU."
