"""Turns one word of a command into the value an option's type makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environment.contracts.record import Option


def natural(text: str) -> int:
    """A number that is not negative, such as a size_t; raises ValueError."""
    if (number := int(text)) < 0:
        raise ValueError(text)
    return number


NOT_LITERAL = {"symbol", "expr"}
CONVERSIONS: dict[str, Callable[[str], object]] = {
    "int": int,
    "int32_t": int,
    "SizeType": int,
    "SizeType32": int,
    "TokenIdType": int,
    "size_t": natural,
    "float": float,
    "json.loads": json.loads,
}


def converted(option: Option, text: str) -> tuple[object, str]:
    """The value of a word, and what is wrong with it ("" when nothing is). A type not known here takes any word."""
    try:
        value = CONVERSIONS.get(option.type, str)(text)
    except ValueError:
        return None, f"takes {option.type}, got {text!r}"
    if isinstance(option.choices, tuple) and not any(type(c) is type(value) and c == value for c in option.choices):
        return value, f"takes one of {', '.join(map(str, option.choices))}, got {text!r}"
    return value, ""


def default(option: Option) -> object:
    """The value an option has when it is not given: a switch is off, a word is converted as a given one would be."""
    if not option.takes_value and option.default is None:
        return option.action == "store_false"
    if isinstance(option.default, dict) and set(option.default) <= NOT_LITERAL:
        return None
    return converted(option, option.default)[0] if isinstance(option.default, str) else option.default
