"""What the checks say, by language: `en/G.toml` holds the texts of family G, `shared.toml` those of every check.

A check's table has `title`, `why` (why it matters), `fix`, and one message for each thing it can say: `pass`, `fail`,
`warn`, or a longer name such as `fail-branch`, which then may have its own remedy `fix-branch`. Messages are filled
from the finding's data; `{free:size}` writes bytes for people, a list is written with commas.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from environment.data import Value, read_toml

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")
Words = dict[str, str]


class Texts(Value, frozen=True, kw_only=True):
    """All words of one language."""

    language: str
    checks: Mapping[str, Words]
    common: Mapping[str, Words]

    def of(self, check_id: str) -> Words:
        """The words of one check; raises KeyError for a check without any."""
        return self.checks[check_id]

    def shared(self, name: str) -> str:
        """A reason several checks give for not being asked."""
        return self.common["skip"][name]


@cache
def texts(language: str) -> Texts:
    """The words of a language of `LANGUAGES`."""
    files = {path.stem: read_toml(path, dict[str, Words]) for path in sorted((FOLDER / language).glob("*.toml"))}
    common = files.pop("shared")
    return Texts(
        language=language,
        checks={id_: words for table in files.values() for id_, words in table.items()},
        common=common,
    )


class _Filler(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "size":
            return size(value)
        if isinstance(value, (list, tuple, frozenset, set)):
            return ", ".join(printable(str(item)) for item in value)
        return printable(str(format(value, format_spec)))


def printable(words: str) -> str:
    """The words without what a file's name or content could do to a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in words)


def filled(template: str, data: Mapping[str, object]) -> str:
    """A message with its values; raises KeyError when the data lacks one of them."""
    return _Filler().vformat(template, (), data)


def size(count: int) -> str:
    """Bytes for people, in the decimal units disks are sold in: `31.2 GB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"
