"""The release's own parser decides how a thing is said: its contract knows which of the spellings it takes."""

from __future__ import annotations

from collections import deque

from environment.contracts import Contract
from environment.contracts.values import converted
from environment.errors import Trouble

Words = tuple[str, ...]


class NotInRelease(Trouble):
    """The tools of the release cannot do what was asked; another release may."""


def knows(tool: Contract, words: Words) -> bool:
    """Whether the parser takes these words: every flag, its value among the choices, switches without one."""
    waiting = deque(words)
    while waiting:
        option = tool.option(waiting.popleft())
        if option is None:
            return False
        if not option.takes_value:
            continue
        if not waiting or waiting[0].startswith("--") or converted(option, waiting.popleft())[1]:
            return False
    return True


def spelled(tool: Contract, *alternatives: Words) -> Words:
    """The first of the spellings that the release's parser knows; raises NotInRelease when it knows none."""
    for words in alternatives:
        if knows(tool, words):
            return words
    said = " nor ".join(" ".join(words) for words in alternatives)
    raise NotInRelease(f"{tool.tool} of {tool.release} does not know {said}")
