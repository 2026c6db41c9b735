"""Asks a ready server the fixed questions, holds its answers against the checkpoint's own, and records the result."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from environment.console import say
from environment.errors import Trouble, Undetermined
from environment.staging import write_whole
from environment.unknown import Unknown
from recipes import runs
from recipes.ask import Manner, Target, pieces, target, text_of
from recipes.quality.agreement import Agreement, Pair, Questions, Reference, bare, compare, questions
from recipes.quality.reference import Computing
from recipes.runs import Run

RECORD = "quality.json"
GREEDY = (("top_k", 1),)
REHEARSAL, ENGINE = "rehearsal", "engine"  # rows of `least` in questions.toml
COMPUTE = "./inv quality --compute"


class Differs(Trouble):
    """The server does not answer as its checkpoint does."""


def answered(to: Target, asked: Questions) -> dict[str, str]:
    """Question -> the server's greedy answer, all questions at once; raises what `ask` raises."""
    manner = Manner(max_tokens=asked.max_tokens, options=GREEDY)

    def one(question: str) -> str:
        from recipes.client import Answer

        return "".join(pieces(to, text_of(to, question, manner), manner, Answer()))

    with ThreadPoolExecutor(len(asked.asked)) as crowd:
        return dict(zip(asked.asked, crowd.map(one, asked.asked), strict=True))


def judge(to: Target, reference: Reference | Unknown, kind: str) -> Agreement | Unknown:
    """How far the server's answers agree with the reference; what is unknown stays unknown, and nobody is asked."""
    if isinstance(reference, Unknown):
        return reference
    asked = questions()
    said = answered(to, asked)
    expected = {question: reference.answers[question] for question in asked.asked}
    return compare(msgspec.structs.replace(reference, answers=expected), said, asked.least[kind])


def tell(found: Agreement | Unknown) -> None:
    """Says the result in a line; what would know more, too."""
    say(f"Quality           {f'unknown: {found.reason}' if isinstance(found, Unknown) else found}")
    if isinstance(found, Unknown):
        say(f"                  {COMPUTE}   asks the CPU engine")


def require(found: Agreement | Unknown, to: Target) -> None:
    """Raises Differs when the answers do not agree far enough, with the one that parts first."""
    if isinstance(found, Unknown) or found.met:
        return
    raise Differs(
        f"the server does not answer as its checkpoint does:\n{told(min(found.pairs, key=lambda pair: pair.share))}",
        where=f"{to.model} at {to.address}, with the chat template in {to.tokenizer}",
        why="a wrong chat template, tokenizer or quantization, or another checkpoint's engine: every answer is off",
        mend="./inv inspect DIR...   says what checkpoint, engine and repository are; --no-quality serves it as it is",
    )


def told(pair: Pair) -> str:
    """A question with both answers."""
    return f"  asked    {pair.question}\n  expected {bare(pair.expected)}\n  answered {bare(pair.answered)}"


def record(folder: Path, run: Run, found: Agreement | Unknown) -> None:
    """Notes the result in the run: one word in its record, everything beside it."""
    path = runs.folder(folder, run.name) / RECORD
    write_whole(path, msgspec.json.format(msgspec.json.encode({"schema": "quality/1", **document(found)}), indent=2))
    runs.write(folder, msgspec.structs.replace(run, quality=verdict(found)))


def verdict(found: Agreement | Unknown) -> str:
    """`unknown`, `agrees` or `differs`."""
    return "unknown" if isinstance(found, Unknown) else "agrees" if found.met else "differs"


def document(found: Agreement | Unknown) -> Mapping[str, object]:
    """The result as data (schema `quality/1`)."""
    if isinstance(found, Unknown):
        return {"verdict": verdict(found), "reason": found.reason}
    rows = [
        {"question": pair.question, "expected": pair.expected, "answered": pair.answered, "share": pair.share}
        for pair in found.pairs
    ]
    least = {"ratio": found.least.ratio, "reason": found.least.reason}
    return {"verdict": verdict(found), "ratio": found.ratio, "least": least, "reference": found.source, "answers": rows}


def hold(run: Run, own: Computing, seconds: float, folder: Path, kind: str) -> None:
    """Asks the server of a run, records what came of it, and says it; raises Differs for answers that part too far.

    The checkpoint's answers are waited for `seconds` at most; `folder` is where runs are recorded.
    """
    to = target(run)
    found = judge(to, own.result(seconds), kind)
    record(folder, run, found)
    tell(found)
    require(found, to)


def settle(found: Agreement | Unknown, to: Target) -> None:
    """Says the result; raises Differs for answers that part too far, Undetermined where nothing is known."""
    tell(found)
    require(found, to)
    if isinstance(found, Unknown):
        raise Undetermined(f"nothing is known to compare with: {found.reason}", where=to.tokenizer, mend=COMPUTE)
