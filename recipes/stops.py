"""Stop words, found in the text of an answer rather than in its tokens. Pure.

Triton's own stop words are token sequences: a word that the tokenizer joins with its neighbour is never found, one with
a comma is split (tensorrtllm_backend@v0.10.0: preprocessing reads each as a row of CSV), and releases differ in whether
the word itself is part of the answer. Text has none of these faults, and whoever reads it cancels the request.
"""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Lets an answer's pieces through up to the first stop word, which is left out; holds back what may become one."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(word for word in words if word)
        self._firsts = frozenset(word[0] for word in self._words)
        self._held = ""
        self.met = False

    def push(self, piece: str) -> str:
        """The text that can be shown now; `met` tells when the answer is over."""
        if not self._held and self._firsts.isdisjoint(piece):
            return piece
        text = self._held + piece
        found = [place for word in self._words if (place := text.find(word)) >= 0]
        if found:
            self.met, self._held = True, ""
            return text[: min(found)]
        kept = self._unfinished(text)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def rest(self) -> str:
        """What was held back, once nothing follows any more."""
        held, self._held = self._held, ""
        return held

    def _unfinished(self, text: str) -> int:
        """How many characters at the end of `text` may be the start of a stop word."""
        longest = max(len(word) for word in self._words) - 1
        ends = range(min(longest, len(text)), 0, -1)
        return next((size for size in ends if any(word.startswith(text[-size:]) for word in self._words)), 0)
