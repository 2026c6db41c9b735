"""Triton model repositories: templates filled strictly."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from environment.errors import Trouble

TEMPLATES = "take the templates of exactly this release; ./inv contract --release TAG --source DIR reads others"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def placeholders_in(text: str) -> tuple[str, ...]:
    """The names of the `${...}` in a template, each once, in order."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The template with every placeholder replaced: a value for each, and a placeholder for each value.

    Upstream's `fill_template.py` ignores unknown names, leaves unset ones in place and splits values at `,` and `:`;
    here a missing or unknown name is Trouble that names the nearest, and a value may hold anything but `${`.
    """
    wanted = placeholders_in(text)
    missing = [name for name in wanted if name not in values]
    unknown = [name for name in values if name not in wanted]
    if unknown:
        why = f"it has {', '.join(wanted)}"
        raise Trouble(f"the template has no placeholder {_listed(unknown, wanted)}", why=why, mend=TEMPLATES)
    if missing:
        why = "Triton would read the literal ${...}: it stops loading, or fails on every request"
        raise Trouble(f"the template's placeholder {_listed(missing, values)} has no value", why=why, mend=TEMPLATES)
    for name, value in values.items():
        if "${" in value or '"' in value or "\n" in value:
            raise Trouble(
                f"the value of {name} cannot stand in a template: {value!r}", mend="leave out ${, quotes and line ends"
            )
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _listed(names: Iterable[str], known: Iterable[str]) -> str:
    """The names, each with the nearest known one."""
    choices = list(known)

    def told(name: str) -> str:
        near = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
        return f"{name} (nearest: {near[0]})" if near else name

    return ", ".join(told(name) for name in names)
