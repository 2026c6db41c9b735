"""Finds the options and subcommands of a Python program that uses click, from its decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from environment.contracts.extraction.arguments import Found
from environment.contracts.extraction.evaluation import Scope
from environment.contracts.extraction.found import FunctionValue, Opaque
from environment.contracts.extraction.option import made, plain
from environment.contracts.extraction.source import Module
from environment.contracts.record import Option


def options(module: Module) -> Found:
    """The options of the program's group, then those of its subcommands in the order they are added."""
    found = Found(files=[module.path])
    group = next((f for f in _functions(module) if _decorated(f, "group")), None)
    for option in _options(group, module, None) if group else []:
        found.add(option, module.path)
    for command in _commands(module):
        name = _name(command.node)
        found.commands.append(name)
        for option in _options(command.node, command.module, name):
            found.add(option, command.module.path)
    return found


def _functions(module: Module) -> list[ast.FunctionDef]:
    return [node for node in module.body if isinstance(node, ast.FunctionDef)]


def _decorated(function: ast.FunctionDef, kind: str) -> ast.Call | None:
    calls = (node for node in function.decorator_list if isinstance(node, ast.Call))
    return next((call for call in calls if ast.unparse(call.func).rpartition(".")[2] == kind), None)


def _commands(module: Module) -> Iterator[FunctionValue]:
    """The subcommands: decorated with the group's `command`, or added with `add_command`."""
    yield from (FunctionValue(f, module) for f in _functions(module) if _decorated(f, "command"))
    for statement in module.body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="add_command"), args=[argument, *_])):
                if isinstance(value := Scope(module).value(argument), FunctionValue) and value.module is not module:
                    yield value


def _name(function: ast.FunctionDef) -> str:
    call = _decorated(function, "command")
    given = call.args[0] if call and call.args else None
    return str(given.value) if isinstance(given, ast.Constant) else function.name.lower().replace("_", "-")


def _options(function: ast.FunctionDef, module: Module, subcommand: str | None) -> Iterator[Option]:
    for node in function.decorator_list:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"click.option", "option"}:
            yield _option(node, Scope(module), subcommand)


def _option(node: ast.Call, scope: Scope, subcommand: str | None) -> Option:
    named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    values: dict[str, Any] = {name: plain(scope.value(value)) for name, value in named.items()}
    words = [value for value in map(scope.value, node.args) if not isinstance(value, Opaque)]
    switch = values.get("is_flag") is True
    default = values.get("default")
    return made(
        flags=tuple(flag for word in words for flag in str(word).split("/") if flag.startswith("-")),
        type="str" if switch else _type(named.get("type"), default),
        required=values.get("required") is True,
        default=None if switch and default is False else default,
        choices=_choices(named.get("type"), scope),
        nargs=values.get("nargs"),
        action="flag" if switch else "append" if values.get("multiple") is True else "store",
        subcommand=subcommand,
        callback=ast.unparse(named["callback"]) if "callback" in named else None,
    )


def _type(node: ast.expr | None, default: object) -> str:
    """The name of the type; without one, click takes that of the default."""
    if node is None:
        return type(default).__name__ if isinstance(default, (int, float)) else "str"
    return "str" if isinstance(node, ast.Call) else ast.unparse(node)


def _choices(node: ast.expr | None, scope: Scope) -> tuple[object, ...] | dict[str, str] | None:
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "click.Choice":
        return None
    choices = plain(scope.value(node.args[0]))
    return tuple(choices) if isinstance(choices, list) else choices
