"""The report as text for a tired person: worst first, what with both values, where, why, and what mends it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from doctor.checks.texts import Texts
from doctor.outcome import Check, Outcome, State
from doctor.report import WORST_FIRST, causes, in_the_way, summary, worst_first

COLOURS = {
    State.FAIL: "1;31",
    State.UNKNOWN: "1;35",
    State.WARN: "33",
    State.NOTE: "36",
    State.PASS: "32",
    State.SKIP: "2",
}
INDENT = " " * 6
LABEL = 5
SHOWN = 3  # ids of what was skipped for one reason
WIDE = "\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
WORD = r"\s*\S+"
PIECE = rf"\s*(?:[{WIDE}][，。；：、）！？”]*|[^\s{WIDE}]+[，。；：、）！？”]*)"  # compiled when Chinese is first told


def brief(
    outcomes: Sequence[Outcome], texts: Texts, *, strict: bool = False, width: int = 100, colour: bool = False
) -> str:
    """Only what stands in the way, in full, and the summary."""
    hard = [outcome for outcome in worst_first(outcomes) if in_the_way(outcome, strict=strict)]
    blocks = [_block(same, texts, width, colour) for same in causes(hard)]
    return "\n".join([*blocks, wrapped(_last(outcomes, texts.common["report"]), width, "", "")])


def told(outcomes: Sequence[Outcome], texts: Texts, *, heading: str, width: int = 100, colour: bool = False) -> str:
    """The whole report: troubles in full, what passed and what was skipped in a line each, and the summary."""
    words = texts.common["report"]
    troubles = [outcome for outcome in worst_first(outcomes) if outcome.state not in (State.PASS, State.SKIP)]
    blocks = [_block(same, texts, width, colour) for same in causes(troubles)]
    last = wrapped(_last(outcomes, words), width, "", "")
    return "\n".join([heading, "", *blocks, *_quiet(outcomes, words, width, colour), "", last])


def page(check: Check[Any], texts: Texts) -> str:
    """All about one check: why it matters, what it may say, what mends it, and where the rule comes from."""
    words, labels = texts.of(check.id), texts.common["report"]
    says = [f"{INDENT}{name:<14} {text}" for name, text in words.items() if name not in ("title", "why")]
    where = [_row(labels["where"], check.reads, 100), _row(labels["source"], check.source, 100)]
    return "\n".join(
        [f"{check.id}  {check.slug}: {words['title']}", "", wrapped(words["why"], 100, "", ""), "", *says, "", *where]
    )


def _block(same: Sequence[Outcome], texts: Texts, width: int, colour: bool) -> str:
    """An outcome; or the checks that one cause left without an answer, by their names."""
    words, outcome = texts.common["report"], same[0]
    if len(same) > 1:
        head = wrapped(", ".join(one.id for one in same), width, f"{_painted(outcome.state, words, colour)}  ", INDENT)
        return "\n".join([head, _row("", outcome.message, width), ""])
    why = texts.of(outcome.id)["why"]
    rows = [("", outcome.message), (words["where"], outcome.evidence)]
    mend = ""
    if outcome.state in (State.FAIL, State.WARN):
        rows.append((words["why"], why))
        mend = f"{_label(words['mend'])}{outcome.fix}\n"  # never broken, so that it can be copied
    head = f"{_painted(outcome.state, words, colour)}  {outcome.id}  {outcome.title}"
    return "\n".join([head, *(_row(label, text, width) for label, text in rows if text), mend])


def _row(label: str, text: str, width: int) -> str:
    """A labelled, indented paragraph."""
    return wrapped(text, width, _label(label), INDENT + " " * (LABEL + 1 if label else 0))


def _label(label: str) -> str:
    return INDENT + (label + " " * max(LABEL - cells(label), 0) + " " if label else "")


def _quiet(outcomes: Sequence[Outcome], words: Mapping[str, str], width: int, colour: bool) -> list[str]:
    """What passed by name; what was skipped by reason, with some of the ids it holds for."""
    fine = [f"{outcome.id} {outcome.slug}" for outcome in outcomes if outcome.state is State.PASS]
    skipped = sorted(
        (outcome for outcome in outcomes if outcome.state is State.SKIP), key=lambda outcome: outcome.message
    )
    lines = [(State.PASS, ", ".join(fine))] if fine else []
    for reason, group in groupby(skipped, key=lambda outcome: outcome.message):
        lines.append((State.SKIP, f"{reason}: {_some(outcome.id for outcome in group)}"))
    return [wrapped(text, width, f"{_painted(state, words, colour)}  ", INDENT) for state, text in lines]


def _some(ids: Iterable[str]) -> str:
    """The first few, and how many more: what was not asked about is in the JSON and on the page."""
    few = [*ids]
    return " ".join(few[:SHOWN]) + (f" +{len(few) - SHOWN}" if len(few) > SHOWN else "")


def _last(outcomes: Iterable[Outcome], words: Mapping[str, str]) -> str:
    counts = summary(outcomes)
    said = ", ".join(f"{counts[state.value]} {words[state.value]}" for state in WORST_FIRST if counts[state.value])
    return f"{said}.  {words['more']}"


def _painted(state: State, words: Mapping[str, str], colour: bool) -> str:
    label = words[state.value].upper() if state in (State.FAIL, State.WARN, State.UNKNOWN) else words[state.value]
    return f"\x1b[{COLOURS[state]}m{label}\x1b[0m" if colour else label


def cells(text: str) -> int:
    """How many columns of a terminal the text takes: Chinese characters take two."""
    return (
        len(text)
        if text.isascii()
        else sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    )


def wrapped(text: str, width: int, first: str, rest: str) -> str:
    """The text in lines of at most `width` columns. Words are never broken; Chinese may break between characters."""
    lines, line, start = [], first, first
    for piece in re.findall(WORD if text.isascii() else PIECE, text):
        if line != start and cells(line + piece) > width:
            lines.append(line)
            line, start, piece = rest, rest, piece.lstrip()  # noqa: PLW2901
        line += piece
    return "\n".join([*lines, line])
