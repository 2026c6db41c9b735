from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.text import Detokenizer, Pieces, load_tokenizer, word_list, words_of

TOKENIZER = load_tokenizer(SHIPPED)
DETOKENIZE = Detokenizer(TOKENIZER)


def decode(ids: Sequence[int]) -> str:
    return TOKENIZER.decode(list(ids), skip_special_tokens=False)


def encode(text: str) -> list[int]:
    return list(TOKENIZER.encode(text, add_special_tokens=False).ids)


def streamed(ids: list[int]) -> list[str]:
    pieces = Pieces(decode)
    released = [pieces.push(token, last=place == len(ids) - 1) for place, token in enumerate(ids)]
    return [DETOKENIZE(piece) for piece in released if piece]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\N{REPLACEMENT CHARACTER}"), min_size=1, max_size=30))
def test_any_text_streams_in_whole_characters(text: str) -> None:
    pieces = streamed(encode(text))
    assert "".join(pieces) == text
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)


def test_a_character_split_over_tokens_is_one_piece() -> None:
    ids = encode("🐘")
    assert len(ids) > 1
    assert streamed(ids) == ["🐘"]


def test_an_answer_that_ends_inside_a_character_leaves_it_out() -> None:
    ids = encode("ab🐘")[:-1]
    assert "".join(streamed(ids)) == "ab"


def test_bytes_that_are_no_character_are_not_held_for_ever() -> None:
    pieces = Pieces(decode)
    broken = encode("🐘")[0]
    released = [pieces.push(broken) for _ in range(20)]
    assert any(released)


@given(st.lists(st.text(st.sampled_from("abcxyzHIJ"), min_size=1, max_size=6), max_size=5))
def test_words_come_back_as_they_were_given(words: list[str]) -> None:
    assert words_of(word_list(words, encode)[None]) == tuple(tuple(encode(word)) for word in words)


@pytest.mark.parametrize("words", [["a,b", "c"], ["a", "b", "c"], ["a,b,c"]])
def test_one_string_may_hold_several_words(words: list[str]) -> None:
    assert words_of(word_list(words, encode)) == tuple(tuple(encode(word)) for word in "abc")


def test_no_words_are_an_array_of_none() -> None:
    assert word_list([], encode).tolist() == [[0], [-1]]
    assert words_of(None) == ()
