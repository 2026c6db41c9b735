"""Between text and token ids: words to stop at, and pieces of text that never end inside a character. Pure."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # what a decoder puts where bytes make no character (yet)
LONGEST = 8  # tokens; UTF-8 characters have at most 4 bytes, so more are no unfinished character but a broken one


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint, from its tokenizer.json alone."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


Decode = Callable[[Sequence[int]], str]


class Pieces:
    """Collects the tokens of one answer into pieces that are whole characters."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._held: list[int] = []

    def push(self, token: int, *, last: bool = False) -> list[int]:
        """The tokens of a finished piece, or none while a character is unfinished."""
        self._held.append(token)
        unfinished = self._decode(self._held).endswith(REPLACEMENT) and len(self._held) < LONGEST
        if unfinished and not last:
            return []
        piece, self._held = self._held, []
        return piece


class Detokenizer:
    """Text of a piece of an answer, as it reads inside the whole.

    Decoders of the SentencePiece family drop the space before the first word, so the piece is decoded behind an anchor.
    An unfinished character at the end (an answer cut by `max_tokens`) is left out.
    """

    def __init__(self, tokenizer: Tokenizer, *, skip_special_tokens: bool = True) -> None:
        self._tokenizer, self._skip = tokenizer, skip_special_tokens
        self._anchor = tokenizer.encode("a", add_special_tokens=False).ids
        self._lead = len(tokenizer.decode(self._anchor, skip_special_tokens=False))

    def __call__(self, ids: Iterable[int]) -> str:
        """The text of these ids."""
        text = self._tokenizer.decode([*self._anchor, *ids], skip_special_tokens=self._skip)
        return text[self._lead :].rstrip(REPLACEMENT)


def word_list(words: Iterable[str], encode: Callable[[str], list[int]]) -> NDArray[np.int32]:
    """Words as the [2, n] array the model takes: all their ids, and where each word ends; padded with 0 and -1.

    One string may hold several words, separated by commas, as upstream's preprocessing reads it.
    """
    split = [word for row in csv.reader(words) for word in row if word]
    ids = [encode(word) for word in split]
    flat = [token for word in ids for token in word]
    ends = np.cumsum([len(word) for word in ids]).tolist()
    return np.array([flat or [0], ends + [-1] * (max(len(flat), 1) - len(ends))], dtype=np.int32)


def words_of(array: NDArray[np.int32] | None) -> tuple[tuple[int, ...], ...]:
    """The words of a [..., 2, n] array: what `word_list` made."""
    if array is None or array.size == 0:
        return ()
    ids, ends = array.reshape(2, -1)
    stops = [int(end) for end in ends if end > 0]
    starts = [0, *stops][: len(stops)]
    return tuple(tuple(int(token) for token in ids[start:stop]) for start, stop in zip(starts, stops, strict=True))
