"""The report as one self-contained page: no script, no request to anywhere, light and dark, readable on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from doctor.checks.texts import Texts
from doctor.outcome import Outcome, State
from doctor.report import WORST_FIRST, causes, summary, worst_first

TEMPLATE = Path(__file__).with_name("page.html")
OPEN = (State.FAIL, State.UNKNOWN, State.WARN)


def page(outcomes: Sequence[Outcome], texts: Texts, *, heading: str) -> str:
    """The page as text. Every word of the outcomes is escaped: they quote what programs and files said."""
    words = texts.common["report"]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        language=escape(texts.language),
        title=escape(heading),
        counts="\n".join(_counts(outcomes, words)),
        groups="\n".join(_group(state, outcomes, texts) for state in WORST_FIRST if _of(outcomes, state)),
    )


def _of(outcomes: Iterable[Outcome], state: State) -> list[Outcome]:
    return [outcome for outcome in worst_first(outcomes) if outcome.state is state]


def _counts(outcomes: Sequence[Outcome], words: Mapping[str, str]) -> Iterable[str]:
    for state, count in summary(outcomes).items():
        if count:
            yield f'<li><a class="{state}" href="#{state}"><b>{count}</b> {escape(words[state])}</a></li>'


def _group(state: State, outcomes: Sequence[Outcome], texts: Texts) -> str:
    rows = "\n".join(_article(same, texts) for same in causes(_of(outcomes, state)))
    heading = escape(texts.common["report"][state.value])
    if state in OPEN:
        return f'<section id="{state.value}"><h2>{heading}</h2>\n{rows}</section>'
    return f'<section id="{state.value}"><details><summary><h2>{heading}</h2></summary>\n{rows}</details></section>'


def _article(same: Sequence[Outcome], texts: Texts) -> str:
    """An outcome; or the checks that one cause left without an answer."""
    outcome, words = same[0], texts.common["report"]
    state = outcome.state
    if len(same) > 1:
        titles = "".join(f"<dt>{escape(one.id)}</dt><dd>{escape(one.title)}</dd>" for one in same)
        label = escape(words[state.value])
        heading = f"<h3><span>{label}</span> {escape(outcome.message)}</h3>"
        return f'<article class="{state.value}">{heading}\n<dl>{titles}</dl></article>'
    mend = f"<dt>{escape(words['mend'])}</dt><dd><pre>{escape(outcome.fix)}</pre></dd>" if outcome.fix else ""
    why = f"<dt>{escape(words['why'])}</dt><dd>{escape(texts.of(outcome.id)['why'])}</dd>" if state in OPEN else ""
    return (
        f'<article class="{state.value}"><h3><span>{escape(words[state.value])}</span> {escape(outcome.title)}'
        f" <small>{escape(outcome.id)} {escape(outcome.slug)}</small></h3>\n<p>{escape(outcome.message)}</p>\n"
        f"<dl><dt>{escape(words['where'])}</dt><dd>{escape(outcome.evidence)}</dd>{why}{mend}</dl></article>"
    )
