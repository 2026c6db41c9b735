from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.stops import Stops


def shown(pieces: list[str], words: list[str]) -> tuple[list[str], bool]:
    """The non-empty texts let through, and whether a stop word ended them."""
    stops = Stops(words)
    out = []
    for piece in pieces:
        out.append(stops.push(piece))
        if stops.met:
            break
    out.append(stops.rest())
    return [text for text in out if text], stops.met


@pytest.mark.parametrize(
    ("pieces", "words", "expected"),
    [
        (["one", " two", " three"], [], (["one", " two", " three"], False)),
        (["one", " two", " three"], [" two"], (["one"], True)),
        (["a", "b", "c", "d"], ["bc"], (["a"], True)),
        (["a", "b", "x"], ["bc"], (["a", "bx"], False)),
        (["a", "b"], ["bc"], (["a", "b"], False)),
        (["aXbYc"], ["Y", "X"], (["a"], True)),
        (["stop"], ["stop"], ([], True)),
        (["猎", "豹🐆", "。"], ["豹"], (["猎"], True)),
        (["a, b"], [","], (["a"], True)),
        (["abc"], [""], (["abc"], False)),
    ],
)
def test_what_is_shown(pieces: list[str], words: list[str], expected: tuple[list[str], bool]) -> None:
    assert shown(pieces, words) == expected


@given(st.lists(st.text("abc", max_size=4), max_size=8), st.lists(st.text("abc", min_size=1, max_size=3), max_size=4))
def test_however_it_is_cut_into_pieces_the_text_is_what_the_whole_says(pieces: list[str], words: list[str]) -> None:
    whole = "".join(pieces)
    places = [place for word in words if (place := whole.find(word)) >= 0]
    texts, met = shown(pieces, words)
    found = "".join(texts)
    assert met == bool(places)
    assert whole.startswith(found)
    assert not any(word in found for word in words)
    if not places:
        assert found == whole
