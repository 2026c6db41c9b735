from __future__ import annotations

import pytest

from environment.errors import Trouble
from recipes.client import Question
from recipes.generate import body
from recipes.openai.triton import request
from recipes.rehearsal.tensors import FOLDER, for_release
from recipes.tensor_names import SPELLINGS, settled, unsettled

FILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
OLD, NEW = ("text_input", "min_length", "random_seed"), ("text_input", "min_tokens", "seed")
ASKED = Question(prompt="x", min_tokens=3, seed=7)


@pytest.mark.parametrize(("inputs", "names"), [(OLD, {"min_length", "random_seed"}), (NEW, {"min_tokens", "seed"})])
def test_a_server_is_asked_by_the_names_it_has(inputs: tuple[str, ...], names: set[str]) -> None:
    found = settled(ASKED.tensors(), inputs, "m")
    assert names < set(found)
    assert not set(found) & {"min_tokens", "min_length", "seed", "random_seed"} - names
    assert {tensor.name for tensor in request(ASKED, inputs).inputs} == set(found)
    assert names < set(body(found, "id"))


def test_what_a_server_has_by_no_name_is_told() -> None:
    with pytest.raises(Trouble, match=r"m takes no seed(.|\n)*no input seed or random_seed"):
        settled(Question(prompt="x", seed=7).tensors(), ("text_input",), "m")


def test_nobody_is_asked_when_no_name_depends_on_it() -> None:
    assert not unsettled(Question(prompt="x").tensors())
    assert settled(Question(prompt="x").tensors(), (), "m") == Question(prompt="x").tensors()
    assert unsettled(ASKED.tensors())


@pytest.mark.parametrize("tag", FILES)
def test_every_known_release_has_one_spelling_of_each_and_everything_else_a_question_sends(tag: str) -> None:
    inputs = set(for_release(tag).models["ensemble"].inputs)
    for spellings in SPELLINGS.values():
        assert len(inputs & set(spellings)) == 1
    whole = Question(prompt="x", min_tokens=1, seed=1, stop_words=("x",), temperature=1, top_k=1, top_p=1)
    assert set(settled(whole.tensors(), inputs, "ensemble")) <= inputs
