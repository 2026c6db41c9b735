"""What an expression of a source file can be worth, besides plain Python values."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from environment.contracts.extraction.source import Module


@dataclass(frozen=True)
class Opaque:
    """An expression whose value the source alone does not tell."""

    text: str


@dataclass(frozen=True)
class ClassValue:
    """A class of the tree, or an instance of it: its attributes have the values the class body gives them."""

    node: ast.ClassDef
    module: Module


@dataclass(frozen=True)
class FieldValue:
    """A dataclass field, as `dataclasses.fields` gives it."""

    name: str
    type: object
    default: object


@dataclass(frozen=True)
class FunctionValue:
    """A function of the tree."""

    node: ast.FunctionDef
    module: Module


class NotKnownError(Exception):
    """Raised where an expression depends on what only a running program knows."""
