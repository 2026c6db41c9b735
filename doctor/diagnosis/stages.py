"""At which step of the work a failure that no row knows broke off, by the last line above it that shows a step."""

from __future__ import annotations

import re

from doctor.diagnosis.log import bare
from doctor.diagnosis.symptoms import Catalogue, Stage


def stage_of(known: Catalogue, above: bytes) -> Stage | None:
    """The step that the log ending with the failure shows to have been under way; None where it shows none."""
    text = b"\n".join(map(bare, above.split(b"\n"))).decode("utf-8", "replace")
    seen = [(_last_line(stage, text), -number, stage) for number, stage in enumerate(known.stages)]
    line, _, stage = max(seen, default=(-1, 0, None), key=lambda one: one[:2])
    return stage if line >= 0 else None


def _last_line(stage: Stage, text: str) -> int:
    """Where the last line begins that shows the step; -1 when none does."""
    found = (match.start() for pattern in stage.patterns for match in re.finditer(pattern, text, re.MULTILINE))
    last = max(found, default=-1)
    return text.rfind("\n", 0, last) + 1 if last >= 0 else -1
