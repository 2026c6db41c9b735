"""What an answer counts and how it ends, from what Triton's responses add."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from recipes.client import Question
from recipes.openai.admission import Limits, Line
from recipes.openai.generation import Generation
from recipes.openai.metrics import Meter
from recipes.openai.served import Served
from recipes.openai.triton import Server


class Saying(Server):
    """A server that says these pieces."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces

    async def answer(self, question: Question, limit: float) -> AsyncGenerator[str, None]:
        for piece in self.pieces:
            yield piece


async def read(pieces: tuple[str, ...], most: int, stop: tuple[str, ...] = ()) -> Generation:
    served = Served(name="m", model="m", address="", metrics=0, created=0, count=lambda text: len(text.split()))
    generation = Generation(served, Question(prompt="x", max_tokens=most), stop, Meter())
    await generation.begin(Saying(*pieces), Line(Limits()), 1.0)
    assert [text async for text in generation.texts() if not text] == []
    return generation


@pytest.mark.parametrize(
    ("pieces", "most", "stop", "said"),
    [
        (("a", " b"), 3, (), ("a b", 2, "stop")),
        (("a", " b", " c"), 3, (), ("a b c", 3, "length")),
        (("a", "", ""), 3, (), ("a", 3, "length")),  # cut within a character
        (("", ""), 2, (), ("", 2, "length")),
        (("a b", " c"), 3, (), ("a b c", 3, "length")),  # two tokens in one response
        (("a", " b", " c"), 3, (" c",), ("a b", 3, "stop")),
        ((), 3, (), ("", 0, "stop")),
    ],
)
def test_every_response_is_a_token_and_a_full_count_is_a_cut(
    pieces: tuple[str, ...], most: int, stop: tuple[str, ...], said: tuple[str, int, str]
) -> None:
    generation = asyncio.run(read(pieces, most, stop))
    assert (generation.text, generation.tokens, generation.ending()) == said
