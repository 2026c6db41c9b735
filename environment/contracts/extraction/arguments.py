"""Finds the options a Python program gives its argparse parser, by following the parser through the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from environment.contracts.extraction.evaluation import Scope
from environment.contracts.extraction.found import FunctionValue, NotKnownError, Opaque
from environment.contracts.extraction.option import ParserValue, option
from environment.contracts.extraction.source import Module
from environment.contracts.record import Option

DEEPEST = 12


@dataclass
class Found:
    """What was found on the way: the options in order, the subcommands, and the files that contributed."""

    options: list[Option] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def add(self, option: Option, file: Path) -> None:
        """Keeps the first of two options with the same flags."""
        if all((o.flags, o.subcommand) != (option.flags, option.subcommand) for o in self.options):
            self.options.append(option)
        if file not in self.files:
            self.files.append(file)


def options(module: Module) -> Found:
    """The options of the parser a program makes, or has an imported function make."""
    found = Found(files=[module.path])
    for body in _makers(module):
        _Walk(Scope(module), found).statements(body)
    for function in _imported_makers(module) if not found.options else []:
        _Walk(Scope(function.module), found).statements(function.node.body)
    return found


def _makes_parser(body: list[ast.stmt]) -> bool:
    calls = (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func).rpartition(".")[2] == "ArgumentParser" for call in calls)


def _makers(module: Module) -> Iterator[list[ast.stmt]]:
    """The bodies that make a parser: functions (and methods), and the file's own statements."""
    functions = [node for node in ast.walk(ast.Module(module.body, [])) if isinstance(node, ast.FunctionDef)]
    yield from (function.body for function in functions if _makes_parser(function.body))
    own = [s for s in module.body if not isinstance(s, (ast.FunctionDef, ast.ClassDef))]
    if _makes_parser(own):
        yield own


def _imported_makers(module: Module) -> Iterator[FunctionValue]:
    for node in ast.walk(ast.Module(module.body, [])):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            value = Scope(module).value(node.func)
            if isinstance(value, FunctionValue) and _makes_parser(value.node.body):
                yield value


class _Walk:
    """Goes through statements in order, as far as parsers are concerned."""

    def __init__(self, scope: Scope, found: Found, depth: int = 0) -> None:
        self.scope, self.found, self.depth = scope, found, depth

    def statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[target], value=value):
                self.scope.bind(target, self.value(value))
            case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
                self.value(value)
            case ast.For(target=target, iter=iterable, body=body):
                self.loop(target, iterable, body)
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(test, body, orelse)
            case ast.With(body=body) | ast.Try(body=body):
                self.statements(body)
            case ast.FunctionDef(name=name):
                self.scope.names[name] = FunctionValue(statement, self.scope.module)

    def loop(self, target: ast.expr, iterable: ast.expr, body: list[ast.stmt]) -> None:
        try:
            turns = self.scope.unrolled(target, iterable)
        except (NotKnownError, TypeError, ValueError, KeyError):
            return
        for scope in turns:
            _Walk(scope, self.found, self.depth).statements_of_turn(body)

    def statements_of_turn(self, body: list[ast.stmt]) -> None:
        """One turn of a loop, which a `continue` under a condition that holds ends early."""
        for statement in body:
            if isinstance(statement, ast.If) and any(isinstance(inner, ast.Continue) for inner in statement.body):
                if self.scope.value(statement.test) is True:
                    return
            else:
                self.statement(statement)

    def branch(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        known = self.scope.value(test)
        if isinstance(known, Opaque) or ast.unparse(test).startswith("__name__"):
            self.statements([*body, *orelse])
        else:
            self.statements(body if known else orelse)

    def value(self, node: ast.expr) -> object:
        """The value of an expression, with parsers passed along and `add_argument` taken note of."""
        if not isinstance(node, ast.Call):
            return self.scope.value(node)
        name = ast.unparse(node.func)
        if name.rpartition(".")[2] == "ArgumentParser":
            return ParserValue()
        owner = self.scope.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ParserValue) and isinstance(node.func, ast.Attribute):
            return self.of_parser(owner, node.func.attr, node)
        return self.followed(node)

    def of_parser(self, parser: ParserValue, method: str, node: ast.Call) -> object:
        """What a method of a parser gives; an option is taken note of."""
        if method == "add_argument":
            self.found.add(self.option(parser, node), self.scope.module.path)
        first = self.scope.value(node.args[0]) if node.args else None
        if method == "add_argument_group":
            title = first or next((self.scope.value(k.value) for k in node.keywords if k.arg == "title"), None)
            return replace(parser, group=str(title) if title else None)
        if method == "add_mutually_exclusive_group":
            return replace(parser, one_of=f"line {node.lineno}")
        if method == "add_parser":
            self.found.commands.append(str(first))
            return replace(parser, subcommand=str(first))
        return parser if method in {"add_subparsers"} else Opaque(ast.unparse(node))

    def followed(self, node: ast.Call) -> object:
        """A call that passes a parser on is followed into the function; any other is only worth its value."""
        arguments = [self.value(argument) for argument in node.args]
        keywords = {keyword.arg: self.value(keyword.value) for keyword in node.keywords if keyword.arg}
        passed = [value for value in (*arguments, *keywords.values()) if isinstance(value, ParserValue)]
        function = self.scope.value(node.func)
        if not passed or not isinstance(function, FunctionValue) or self.depth >= DEEPEST:
            return self.scope.value(node)
        names = [argument.arg for argument in function.node.args.args]
        defaults = dict(
            zip(reversed(names), map(self.scope.value, reversed(function.node.args.defaults)), strict=False)
        )
        scope = Scope(function.module, {**defaults, **dict(zip(names, arguments, strict=False)), **keywords})
        _Walk(scope, self.found, self.depth + 1).statements(function.node.body)
        return passed[0]

    def option(self, parser: ParserValue, node: ast.Call) -> Option:
        """One `add_argument` call as an option."""
        flags = tuple(str(value) for value in self.scope.items(node.args) if not isinstance(value, Opaque))
        named: dict[str, ast.expr] = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        return option(flags or (ast.unparse(node.args[0]),), named, self.scope, parser)
