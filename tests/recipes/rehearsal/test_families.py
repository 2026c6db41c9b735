"""Every served recipe, rehearsed with a tiny checkpoint of its own architecture in the tensors of each release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from environment.errors import Trouble
from environment.releases import tags
from environment.workspace import Workspace
from recipes import running
from recipes.ask import Manner, pieces, target, text_of
from recipes.client import Answer
from recipes.deployment import Deployment
from recipes.ends import Ends, ends
from recipes.ports import free_ports
from recipes.prompt import prompt
from recipes.recipe import find, names
from recipes.rehearsal.checkpoint import SHIPPED_FOR, shipped_for
from recipes.rehearsal.rehearse import rehearse
from recipes.rehearsal.screen import rehearsal
from tests.recipes.deployments import deployment

LARGEST = 4 << 20  # bytes of a shipped checkpoint
WINDOW = [tag for tag in tags() if Version("v0.8.0") <= Version(tag) <= Version("v0.16.0")]
REHEARSED = [
    (name, tag)
    for name in ("llama2-13b", "qwen2")
    for tag in WINDOW
    if Version(tag) >= Version(find(name).since.release)
]
REFUSED = ("baichuan2-13b", "chatglm2", "chatglm3", "qwen-vl")


@pytest.mark.parametrize("architecture", SHIPPED_FOR)
def test_a_shipped_checkpoint_is_whole_small_and_of_its_architecture(architecture: str) -> None:
    folder = SHIPPED_FOR[architecture]
    found = read_checkpoint(folder)
    assert isinstance(found, Checkpoint)
    assert found.model.architectures == (architecture,)
    assert found.complete
    assert not found.remote_code
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST


def test_the_two_are_talked_to_as_their_families_are() -> None:
    llama = SHIPPED_FOR["LlamaForCausalLM"]
    assert prompt("Q", llama, system="S") == "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST]"
    assert ends(llama) == Ends(id=2)
    assert prompt("Q", SHIPPED_FOR["Qwen2ForCausalLM"]) == "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize("name", names())
def test_every_recipe_is_rehearsed_with_its_own_architecture_or_not_at_all(name: str) -> None:
    if name in REFUSED:
        with pytest.raises(Trouble, match="cannot be rehearsed: the CPU engine does not run") as caught:
            shipped_for(find(name))
        assert "./inv serve qwen2 --rehearse" in caught.value.mend
    else:
        found = read_checkpoint(shipped_for(find(name)))
        assert isinstance(found, Checkpoint)
        assert found.model.architectures == (find(name).checkpoint.architecture,)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One for all: each checkpoint is converted once."""
    space = Workspace(tmp_path_factory.mktemp("families"))
    yield space
    for run in running.living(space.runs):
        running.stop(space.runs, run)


@pytest.mark.slow
@pytest.mark.triton
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # on purpose
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "tag"), REHEARSED)
def test_each_release_serves_the_recipe_and_its_answer_ends(name: str, tag: str, workspace: Workspace) -> None:
    made = replace(deployment(name, tag=tag), workspace=workspace)
    assert asked(made, "Who are you?") == "I am the rehearsal's tiny model. I run on a CPU and need no GPU."


def asked(made: Deployment, question: str) -> str:
    """The whole answer of a rehearsal that is ended afterwards."""
    http, grpc, metrics = free_ports(3, 25000 + os.getpid() % 1000)
    wanted = rehearsal(made, "", "")
    run, _ = rehearse(replace(wanted, ports={"http": http, "grpc": grpc, "metrics": metrics}), made.workspace)
    try:
        to, manner = target(run), Manner(max_tokens=200)
        return "".join(pieces(to, text_of(to, question, manner), manner, Answer()))
    finally:
        running.stop(made.workspace.runs, run)


def test_the_window_is_the_one_that_is_promised() -> None:
    assert (WINDOW[0], WINDOW[-1], len(WINDOW)) == ("v0.8.0", "v0.16.0", 9)
    assert Path(SHIPPED_FOR["LlamaForCausalLM"]).is_dir()
