"""Writes a contract, or a release's templates, as JSON that is easy to review: an option or placeholder a line."""

from __future__ import annotations

import json

import msgspec

from environment.contracts.record import Contract
from environment.contracts.templates import Templates

INDENT = "  "


def text(value: Contract | Templates) -> str:
    """The file's content; reading it again gives an equal value."""
    return _lines(msgspec.to_builtins(value), "") + "\n"


def _lines(value: object, indent: str) -> str:
    """A table over lines, a list of tables with one a line, everything else on one line."""
    deeper = indent + INDENT
    if isinstance(value, dict) and not _is_row(value):
        rows = [f"{deeper}{json.dumps(name)}: {_lines(part, deeper)}" for name, part in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(part, dict) for part in value):
        return "[\n" + ",\n".join(f"{deeper}{_compact(part)}" for part in value) + f"\n{indent}]"
    return _compact(value)


def _is_row(value: dict[str, object]) -> bool:
    return not any(isinstance(part, (dict, list, tuple)) for part in value.values())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
