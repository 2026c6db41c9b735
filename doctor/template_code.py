"""What a template's Python models do with a tokenizer: read in their text, or known of the release."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from environment.data import Record, read_toml
from environment.releases import tags
from environment.unknown import Unknown

PAD = re.compile(
    r"^(?P<guard>[ \t]*if [^\n#]*pad_token[^\n]*:\s+)?[ \t]*self\.tokenizer\.pad_token *=(?!=)", re.MULTILINE
)
TRUSTED = re.compile(r"trust_remote_code\s*=\s*True")


Assigns = Literal["never", "when-missing", "always"]


class TemplateCode(Record, frozen=True, kw_only=True):
    """When they assign pad_token (`always` breaks a tokenizer whose own is read-only); `source`: where it was read."""

    assigns: Assigns
    trusts_remote_code: bool
    source: str


class _Range(TemplateCode, frozen=True, kw_only=True):
    first: str
    last: str


class _Ranges(Record, frozen=True, kw_only=True):
    range: tuple[_Range, ...]


def parse(text: str, source: str) -> TemplateCode:
    """What the text of a pre- or postprocessing model.py does. It is searched, not run."""
    return TemplateCode(assigns=_pad(text), trusts_remote_code=bool(TRUSTED.search(text)), source=source)


def _pad(text: str) -> Assigns:
    guards = [bool(found["guard"]) for found in PAD.finditer(text)]
    if not guards:
        return "never"
    return "when-missing" if all(guards) else "always"


@cache
def released(tag: str) -> TemplateCode | Unknown:
    """What the templates of a release do."""
    order = tags()
    ranges = read_toml(Path(__file__).with_suffix(".toml"), _Ranges).range
    for found in ranges:
        if order.index(found.first) <= order.index(tag) <= order.index(found.last):
            return found
    return Unknown(f"nobody read the templates of {tag}")
