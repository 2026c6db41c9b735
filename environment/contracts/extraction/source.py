"""A source tree that is read, never run: its Python modules as syntax trees, found the way Python would find them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from environment.errors import Trouble

UNCHANGED = "check the release's tag out anew, unchanged: git status   shows what is not as it was"


@dataclass(frozen=True, eq=False)
class Module:
    """One Python file: its statements, and the names they bind at the top level."""

    path: Path
    tree: Tree

    @cached_property
    def body(self) -> list[ast.stmt]:
        """The statements of the file; raises Trouble when it is no Python."""
        try:
            return ast.parse(self.path.read_text(encoding="utf-8")).body
        except (SyntaxError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise Trouble(f"{self.path} is no Python that can be read: {error}", mend=UNCHANGED) from error

    @cached_property
    def names(self) -> dict[str, ast.AST]:
        """What each top-level name is bound to: the last statement that binds it."""
        found: dict[str, ast.AST] = {}
        for statement in self.body:
            found |= _bound(statement)
        return found

    def imported(self, name: str) -> tuple[Module, str] | None:
        """The module and the name there, when `name` is imported from a file of the tree."""
        for node in ast.walk(ast.Module(self.body, [])):
            for alias in node.names if isinstance(node, ast.ImportFrom) else []:
                if (alias.asname or alias.name) == name and isinstance(node, ast.ImportFrom):
                    found = self.tree.module(node.module or "", self, node.level)
                    return (found, alias.name) if found else None
        return None


def _bound(statement: ast.stmt) -> dict[str, ast.AST]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name: statement}
        case ast.Assign(targets=targets, value=value):
            return {target.id: value for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            return {name: value}
        case ast.Try(body=body) | ast.If(body=body):
            return {name: node for inner in body for name, node in _bound(inner).items()}
    return {}


@dataclass(frozen=True, eq=False)
class Tree:
    """The root of a source tree, and its modules as they are read."""

    root: Path
    _modules: dict[Path, Module] = field(default_factory=dict)

    def read(self, path: Path) -> Module:
        """The module of a file; each file is parsed once."""
        return self._modules.setdefault(path, Module(path, self))

    def module(self, name: str, importer: Module, level: int = 0) -> Module | None:
        """The module a file means by a dotted name: next to it, or from the root of the tree; None when outside."""
        folder = importer.path.parents[level - 1] if level else importer.path.parent
        parts = Path(*name.split(".")) if name else Path()
        places = [folder / parts] if level else [folder / parts, self.root / parts]
        candidates = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
        return next((self.read(file) for file in candidates if self._holds(file)), None)

    def _holds(self, file: Path) -> bool:
        return file.is_file() and file.resolve().is_relative_to(self.root.resolve())
