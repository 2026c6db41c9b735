"""What a log says about a line of its own: that the fault was met, is no more than a warning, or is quoted source."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from doctor.diagnosis import traces
from doctor.diagnosis.log import bare, line_start
from doctor.diagnosis.patterns import Pattern, compiled, words
from doctor.diagnosis.signatures import Place
from doctor.diagnosis.symptoms import Catalogue

NEAR = 2000
SETTLED = ("settled", "aside")
UNSETTLED = ("unsettled", "spent")
SETTLING = SETTLED + UNSETTLED
# where another message begins in the same line: ranks write into one another's lines, and JSON has its lines escaped
_ANEW = re.compile(
    rb"\[TensorRT-LLM\]\[|\[TRT(?:-LLM)?\] (?:\[RANK \d{1,5}\] )?\[|\b[IWEF]\d{4} \d\d:\d\d:\d\d\.|NCCL (?:INFO|WARN) "
    rb'|modelInstanceState: |(?<!["=])\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\\r|\\n|"\], ?\["|\}, ?\{'
)
_FRAME = re.compile(rb'\s*File "[^"\n]{1,400}", line \d+, in ')
_COMPLAINS = re.compile(rb"(?i)fail|err|exception|cannot|could|unable|refused|miss|\bno\b|not\b|n't")
_RAISES = re.compile(rb"\braise \w")


@dataclass(frozen=True)
class Said:
    """The words of `marks.toml` that stand in one line."""

    words: tuple[Pattern, ...]

    @property
    def kinds(self) -> set[str]:
        """What they are words of."""
        return {word.kind for word in self.words}

    @property
    def settled(self) -> bool:
        """Whether the line itself says that what it complains of was met, tried again or expected."""
        return not self.kinds.isdisjoint(SETTLED) and self.kinds.isdisjoint(UNSETTLED)

    @property
    def played_down(self) -> bool:
        """Whether the line says that its writer does not take it for a failure."""
        return "level" in self.kinds

    @property
    def speech(self) -> bool:
        """Whether the line shows what a model was given or said."""
        return "speech" in self.kinds

    @property
    def past(self) -> set[str]:
        """The names of the reports that speak of what was before in such a line."""
        return {word.id for word in self.words if word.kind == "past"}


class Remarks:
    """Looks for the words of `marks.toml` around a match: in its line, and where a traceback has its own words."""

    def __init__(self, known: Catalogue) -> None:
        self._words: tuple[Pattern, ...] = words(known)
        self._matcher = compiled(self._words, "words")

    def said(self, match: re.Match[bytes]) -> Said:
        """What the line says of itself."""
        return Said(tuple(map(self._words.__getitem__, self._matcher.present(_own(match)))))

    def spoken(self, match: re.Match[bytes]) -> bool:
        """Whether the match stands in what a model was given or said, and does not look at that itself."""
        start = max(line_start(match), match.start() - NEAR)
        return "speech" in self._kinds(match.string[start : match.start()])

    def settling(self, text: bytes) -> list[Place]:
        """Where in the block words stand that settle their own line."""
        places = self._places(text, SETTLING)
        unsettled = Messages(text, ends(place for place in places if self._words[place.pattern].kind in UNSETTLED))
        return [place for place in places if place not in unsettled]

    def ending(self, text: bytes) -> list[Place]:
        """Where in the block a program says that it ends."""
        return self._places(text, ("ending", *UNSETTLED))

    def _places(self, text: bytes, kinds: Collection[str]) -> list[Place]:
        present = self._matcher.present(text)
        return self._matcher.places(text, [number for number in present if self._words[number].kind in kinds])

    def unheeded(self, match: re.Match[bytes], said: Said) -> bool:
        """Whether its traceback is one that Python itself ignored, or with which a person stopped the program."""
        raised = traces.raised(match)
        return "stopped" in (self._kinds(raised[1]) if raised else said.kinds) or traces.ignored(match)

    def go_on(self, match: re.Match[bytes]) -> bool:
        """Whether a line behind it, or the one that its traceback was logged with, says how it went on."""
        above = traces.before(match)
        if _COMPLAINS.search(above) and self._meets(above, UNSETTLED):
            return True
        if any(self._meets(line, ("unsettled",)) for line in traces.after(match)):
            return True
        return traces.begun_again(match)

    def _meets(self, line: bytes, unless: Iterable[str]) -> bool:
        kinds = self._kinds(line)
        return "settled" in kinds and kinds.isdisjoint(unless)

    def _kinds(self, text: bytes) -> set[str]:
        return {self._words[number].kind for number in self._matcher.present(text)}


class Messages:
    """The messages in which something stands: its line, but not where another message begins, nor what is far away.

    `begun`: where each place, which knows only its end, begins.
    """

    def __init__(self, text: bytes, begun: Mapping[Place, int]) -> None:
        self._text = text
        self._spans: dict[int, list[tuple[int, int]]] = {}
        for place, start in begun.items():
            self._spans.setdefault(place.line, []).append((start, place.end))

    def __contains__(self, place: object) -> bool:
        return isinstance(place, Place) and any(
            start < place.end <= end or self._one(end, place.end) for start, end in self._spans.get(place.line, ())
        )

    def _one(self, end: int, other: int) -> bool:
        """Whether what ends here and there is of one message."""
        first, last = sorted((end, other))
        return last - first < NEAR and not _ANEW.search(self._text, first, last)


def ends(places: Iterable[Place]) -> dict[Place, int]:
    """Places of which only the end counts."""
    return {place: place.end for place in places}


def quoted(match: re.Match[bytes]) -> bool:
    """Whether the match stands in source that a traceback shows below a frame, and which only names what it raises.

    Other source lines are evidence: they show which call failed.
    """
    text = match.string
    start = line_start(match)
    if not _RAISES.search(text, start, match.end()):
        return False
    above = text[max(text.rfind(b"\n", 0, max(start - 1, 0)) + 1, start - NEAR) : start]
    return _FRAME.match(bare(above)) is not None


def _message_start(match: re.Match[bytes]) -> int:
    """Where its line begins, or the one above where that is the header of a warning of Python's without a word."""
    text, start = match.string, line_start(match)
    above = text.rfind(b"\n", 0, max(start - 1, 0)) + 1
    return above if text[above:start].rstrip().endswith(b"Warning:") else start


def _own(match: re.Match[bytes]) -> bytes:
    text = match.string
    start = max(_message_start(match), match.start() - NEAR)
    end = text.find(b"\n", match.end(), match.end() + NEAR)
    end = end if end >= 0 else match.end() + NEAR
    begun = [anew.start() for anew in _ANEW.finditer(text, start, match.start())]
    ended = _ANEW.search(text, match.end(), end)
    return text[begun[-1] if begun else start : ended.start() if ended else end]
