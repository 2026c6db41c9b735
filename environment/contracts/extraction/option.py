"""One `add_argument` call as an option of a contract."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from typing import Any

import msgspec

from environment.contracts.extraction.evaluation import Scope
from environment.contracts.extraction.found import Opaque
from environment.contracts.extraction.source import UNCHANGED
from environment.contracts.record import Option
from environment.errors import Trouble

OPTIONAL = "BooleanOptionalAction"
NOT_SET = {"argparse.SUPPRESS", "SUPPRESS"}


@dataclass(frozen=True)
class ParserValue:
    """A parser, or a part of one: a titled group, a group whose options exclude each other, a subcommand."""

    group: str | None = None
    one_of: str | None = None
    subcommand: str | None = None


def option(flags: tuple[str, ...], named: dict[str, ast.expr], scope: Scope, parser: ParserValue) -> Option:
    """The option that flags and the keyword arguments of `add_argument` make."""
    values = {name: plain(scope.value(node)) for name, node in named.items()}
    action = str(values.get("action", "store")) if "action" in named else "store"
    if OPTIONAL in ast.unparse(named.get("action", ast.Constant(""))):
        action = "optional"
        flags = (*flags, *(f"--no-{flag[2:]}" for flag in flags if flag.startswith("--")))
    found: dict[str, Any] = {key: values[key] for key in ("nargs", "const", "dest") if values.get(key) is not None}
    if found.get("dest") == _dest(flags):
        del found["dest"]
    positional = not flags[0].startswith("-")
    choices = values.get("choices")
    return made(
        flags=flags,
        type=_type(named, scope, action),
        required=values.get("required") is True or (positional and values.get("nargs") not in {"?", "*"}),
        default=_default(values, named, action),
        choices=tuple(choices) if isinstance(choices, list) else choices,
        action=action,
        positional=positional,
        group=parser.group,
        one_of=parser.one_of,
        subcommand=parser.subcommand,
        **found,
    )


def made(**fields: object) -> Option:
    """An option of these fields; raises Trouble for an action, or another word, that is not known."""
    fields["type"] = sys.intern(str(fields.get("type", "str")))
    try:
        return msgspec.convert(fields, Option)
    except msgspec.ValidationError as error:
        what = f"{fields.get('flags')} is an option of a kind that is not known: {error}"
        raise Trouble(what, mend=UNCHANGED) from error


def _dest(flags: tuple[str, ...]) -> str:
    return next((flag for flag in flags if flag.startswith("--")), flags[0]).lstrip("-").replace("-", "_")


def _type(named: dict[str, ast.expr], scope: Scope, action: str) -> str:
    """The name of the type; a local variable that holds one is resolved."""
    if "type" not in named or action not in {"store", "append"}:
        return "str"
    value = scope.value(named["type"])
    if value is str:
        return "str"
    return value.__name__ if isinstance(value, type) else ast.unparse(named["type"])


def _default(values: dict[str, Any], named: dict[str, ast.expr], action: str) -> object:
    if ast.unparse(named.get("default", ast.Constant(None))) in NOT_SET:
        return None
    default = values.get("default")
    implied = {"store_true": False, "store_false": True}.get(action)
    return None if default is implied else default


def plain(value: object) -> Any:
    """A value as JSON can hold it; what is not known is named by its text."""
    if isinstance(value, Opaque):
        return {"symbol" if value.text.isidentifier() else "expr": value.text}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return {"expr": str(getattr(getattr(value, "node", None), "name", value))}
