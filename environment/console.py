"""Progress and prose to the eye (standard error), results to the pipe (standard output).

`rich` is imported when something is first said, so that tasks which only print data start fast.
It respects NO_COLOR, narrow terminals, and writes plain lines when standard error is not a terminal.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from environment.plan import Plan


@cache
def eye() -> Console:
    """The one console for progress and prose: standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """One line of prose or progress for the person watching."""
    eye().print(text, style=style or None, markup=False, emoji=False)  # an image may be called own:a


def duration(seconds: float) -> str:
    """`4.2 s`, `12 min`, `2 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def result(text: str) -> None:
    """One line (or block) of result, for the person or the next program."""
    write(text.rstrip("\n") + "\n")


def write(text: str) -> None:
    """A piece of result, at once and as it is; in UTF-8 whatever the locale."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8", errors="strict")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        raise


def typed(text: str) -> str:
    """Text that a person typed. Bytes that the locale cannot read (PEP 383) are read as UTF-8."""
    unread = any("\udc80" <= character <= "\udcff" for character in text)
    return os.fsencode(text).decode("utf-8", "replace") if unread else text


def clear() -> None:
    """Empties a terminal before its next result; a pipe is left alone."""
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[H\x1b[2J")


def result_json(schema: str, value: Mapping[str, object]) -> None:
    """One JSON document on standard output, led by its schema name and version, such as ``plan/1``."""
    import msgspec

    document = msgspec.json.format(msgspec.json.encode({"schema": schema, **value}), indent=2)
    result(document.decode())


def result_plan(plan: Plan, *, json: bool) -> None:
    """A plan as the result: shell one can paste, or data; with the steps that would be skipped now, and why."""
    from environment.outputs import skipped

    found = skipped(plan)
    if json:
        result_json("plan/1", {**plan.data(), "skipped": {str(number): path for number, path in found.items()}})
        return
    result(str(plan))
    for number, path in found.items():
        say(f"would be skipped: {number}/{len(plan.steps)} {plan.steps[number - 1].title} ({path} is there)")
