"""Finds the options a C++ program gives cxxopts, from the text of its `add_options()` calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from environment.contracts.extraction.arguments import Found
from environment.contracts.extraction.option import made
from environment.contracts.extraction.source import UNCHANGED
from environment.contracts.record import Option
from environment.errors import Trouble

STRING = r'"(?:[^"\\]|\\.)*"'
COMMENTS = re.compile(rf"({STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
TOKENS = re.compile(rf"{STRING}|[()]|[^()\"]+")
VALUE = re.compile(r"cxxopts::value<(.+?)>\(\)")
DEFAULT = re.compile(rf"->default_value\(\s*((?:{STRING}\s*)+)\)")


def options(path: Path) -> Found:
    """The options of a C++ program, in the order they are added; raises Trouble when the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {path}: {error}", mend=UNCHANGED) from error
    text = COMMENTS.sub(lambda match: match.group(1) or " ", text)
    found = Found(files=[path])
    for call in re.finditer(r"\.add_options\([^()]*\)", text):
        for arguments in _groups(text[call.end() :]):
            found.add(_option(arguments), path)
    return found


def _groups(text: str) -> Iterator[str]:
    """The contents of the parentheses that follow each other: `("a", ...)("b", ...)`."""
    while (begin := re.match(r"\s*\(", text)) is not None:
        length = _closed(text[begin.end() :])
        yield text[begin.end() : begin.end() + length]
        text = text[begin.end() + length + 1 :]


def _closed(text: str) -> int:
    """How far it is to the parenthesis that closes, strings left alone."""
    depth = 0
    for token in TOKENS.finditer(text):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if depth < 0:
            return token.start()
    return len(text)


def _option(arguments: str) -> Option:
    names = _string(re.match(r"\s*((?:" + STRING + r"\s*)+)", arguments))
    flags = tuple(f"-{name}" if len(name) == 1 else f"--{name}" for name in map(str.strip, names.split(",")))
    value = VALUE.search(arguments)
    kind = value.group(1) if value else None
    default = DEFAULT.search(arguments)
    return made(
        flags=flags,
        type="str" if kind in {None, "bool", "std::string"} else str(kind),
        action={None: "flag", "bool": "bool"}.get(kind, "store"),
        default=_string(default) if default else None,
    )


def _string(match: re.Match[str] | None) -> str:
    """Adjacent C++ string literals as one text."""
    return "".join(part[1:-1] for part in re.findall(STRING, match.group(1))) if match else ""
