"""Finds the options a Python program gives its argparse parser, by following the parser through the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from environment.contracts.extraction.evaluation import Scope
from environment.contracts.extraction.found import FunctionValue, NotKnownError, Opaque
from environment.contracts.extraction.source import Module
from environment.contracts.record import Option
from environment.errors import Trouble

DEEPEST = 12
OPTIONAL = "BooleanOptionalAction"
NOT_SET = {"argparse.SUPPRESS", "SUPPRESS"}


@dataclass(frozen=True)
class ParserValue:
    """A parser, or a part of one: a titled group, a group whose options exclude each other, a subcommand."""

    group: str | None = None
    one_of: str | None = None
    subcommand: str | None = None


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
        raise Trouble(f"{fields.get('flags')} is an option of a kind that is not known: {error}") from error


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
