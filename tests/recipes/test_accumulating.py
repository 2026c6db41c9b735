"""A model that repeats its whole answer in each response, decoded token by token, as upstream's BLS model does."""

from __future__ import annotations

import pytest

from environment.data import read_toml
from recipes.client import Answer, Question, added
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.text import load_tokenizer
from tests.recipes.rehearsal.conftest import ROOT

TEXTS: dict[str, str] = read_toml(ROOT / "tests/recipes/clients/corpus.toml", dict)["texts"]
ASKED = Question(prompt="x", accumulates=True)


@pytest.mark.parametrize("name", TEXTS)
def test_what_each_response_adds_is_whole_characters_and_all_of_it_the_text(name: str) -> None:
    tokenizer, answer = load_tokenizer(SHIPPED), Answer()
    ids = tokenizer.encode(TEXTS[name], add_special_tokens=False).ids
    for count in range(1, len(ids) + 1):
        if piece := added(tokenizer.decode(ids[:count]), ASKED, answer):
            answer.pieces.append(piece)
    assert answer.text.encode() == TEXTS[name].encode()
    assert name == "replacement_character_inside" or not any("\N{REPLACEMENT CHARACTER}" in p for p in answer.pieces)


def test_a_model_that_does_not_repeat_itself_is_taken_as_it_is() -> None:
    piece = "猎\N{REPLACEMENT CHARACTER}"
    assert added(piece, Question(prompt="x"), Answer(pieces=["猎"])) == piece
