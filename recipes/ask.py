"""Asks a running server a question and shows the answer as it arrives."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environment.console import say
from environment.errors import Trouble
from recipes.prompt import prompt
from recipes.runs import Run

if TYPE_CHECKING:
    from recipes.client import Answer


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which model at which address; `tokenizer` is the folder whose chat template the question goes through."""

    address: str
    model: str = "ensemble"
    accumulates: bool = False
    tokenizer: str = ""


def target(run: Run) -> Target:
    """The target that a recorded server is."""
    return Target(address=run.address, model=run.model, accumulates=run.accumulates, tokenizer=run.tokenizer)


def show_answer(to: Target, question: str, max_tokens: int) -> Answer:
    """Streams the answer to standard output and says how fast it came; raises Trouble when none comes."""
    from recipes import client

    text = prompt(question, Path(to.tokenizer)) if to.tokenizer else question
    asked = client.Question(prompt=text, max_tokens=max_tokens, model=to.model, accumulates=to.accumulates)
    answer = client.Answer()
    for piece in client.ask(to.address, asked, answer):
        sys.stdout.write(piece.lstrip() if len(answer.pieces) == 1 else piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    sys.stdout.flush()
    if not answer.text.strip():
        raise Trouble("the model ended its answer without a word", where=f"{to.model} at {to.address}")
    milliseconds = f"first after {answer.first * 1e3:.0f} ms, then one every {answer.between * 1e3:.1f} ms"
    say(f"{len(answer.pieces)} pieces: {milliseconds}", style="dim")
    return answer
