"""Works out what an expression of a source file is worth, without running it: literals and what is built of them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from environment.contracts.extraction.found import ClassValue, FieldValue, FunctionValue, NotKnownError, Opaque
from environment.contracts.extraction.source import Module

MOST_ITEMS = 10_000
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
BUILDERS: dict[str, Callable[[Any], object]] = {
    "list": list,
    "tuple": tuple,
    "sorted": sorted,
    "set": lambda items: tuple(dict.fromkeys(items)),
    "len": len,
    "str": str,
}
METHODS = {"keys", "values", "items", "lstrip", "rstrip", "strip", "lower", "upper", "replace", "join", "split"}


def _number(value: Any) -> Any:
    """Numbers only: a repeated text could fill the memory."""
    if isinstance(value, (int, float)):
        return value
    raise NotKnownError


OPERATORS: Mapping[type, Callable[[Any, Any], object]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: lambda left, right: _number(left) * _number(right),
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
        ast.Gt: operator.gt,
        ast.Lt: operator.lt,
        ast.GtE: operator.ge,
        ast.LtE: operator.le,
        ast.In: lambda left, right: left in right,
        ast.NotIn: lambda left, right: left not in right,
    }
)


class Scope:
    """The names an expression can see: its own, then those of its module and of what that imports."""

    def __init__(self, module: Module, names: Mapping[str, object] | None = None) -> None:
        self.module = module
        self.names: dict[str, object] = dict(names or {})

    def value(self, node: ast.AST) -> object:
        """What the expression is worth; an Opaque with its text where that cannot be told."""
        try:
            return self._value(node)
        except (
            NotKnownError,
            TypeError,
            ValueError,
            KeyError,
            IndexError,
            AttributeError,
            RecursionError,
            ZeroDivisionError,
        ):
            return Opaque(ast.unparse(node))

    def _value(self, node: ast.AST) -> object:
        if (read := READERS.get(type(node))) is None:
            raise NotKnownError
        return read(self, node)

    def _known(self, node: ast.AST) -> Any:
        if isinstance(value := self._value(node), Opaque):
            raise NotKnownError
        return value

    def items(self, items: Iterable[ast.expr]) -> list[object]:
        """The values of the items of a list, or of a call, with `*these` spread out."""
        found: list[object] = []
        for item in items:
            found += self._known(item.value) if isinstance(item, ast.Starred) else [self.value(item)]
        return found

    def _table(self, node: ast.Dict) -> dict[Any, object]:
        table: dict[Any, object] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            table |= self._known(value) if key is None else {self._known(key): self.value(value)}
        return table

    def _text(self, part: ast.expr) -> str:
        return str(self._known(part.value if isinstance(part, ast.FormattedValue) else part))

    def _operated(self, node: ast.BinOp) -> object:
        return OPERATORS[type(node.op)](self._known(node.left), self._known(node.right))

    def _compared(self, node: ast.Compare) -> object:
        if len(node.ops) != 1:
            raise NotKnownError
        return OPERATORS[type(node.ops[0])](self._known(node.left), self._known(node.comparators[0]))

    def _unary(self, node: ast.UnaryOp) -> object:
        value = self._known(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
            return -value
        raise NotKnownError

    def _joined(self, node: ast.BoolOp) -> object:
        every = isinstance(node.op, ast.And)
        result: object = every
        for value in node.values:
            result = self._known(value)
            if bool(result) is not every:
                return result
        return result

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> list[object]:
        return [scope._known(node.elt) for scope in self._each(node.generators)]

    def _each(self, generators: list[ast.comprehension]) -> list[Scope]:
        scopes = [self]
        for generator in generators:
            scopes = [inner for scope in scopes for inner in scope.unrolled(generator.target, generator.iter)]
            scopes = [scope for scope in scopes if all(scope._known(test) for test in generator.ifs)]
        return scopes

    def unrolled(self, target: ast.AST, iterable: ast.AST) -> list[Scope]:
        """One scope for each turn of a loop; raises NotKnownError when its items cannot be told."""
        items = list(self._known(iterable))[:MOST_ITEMS]
        scopes = [Scope(self.module, self.names) for _ in items]
        for scope, item in zip(scopes, items, strict=True):
            scope.bind(target, item)
        return scopes

    def bind(self, target: ast.AST, value: object) -> None:
        """Binds a name, or the names of a tuple, as an assignment would."""
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (list, tuple)):
            for part, item in zip(target.elts, value, strict=False):
                self.bind(part, item)
        else:
            self.names[ast.unparse(target)] = value

    def lookup(self, name: str) -> object:
        """The value of a name; raises NotKnownError for one that is not bound in the tree."""
        if name in self.names:
            return self.names[name]
        if name in self.module.names:
            return self._global(self.module.names[name])
        if (found := self.module.imported(name)) is not None:
            return Scope(found[0]).lookup(found[1])
        if name in TYPES:
            return TYPES[name]
        raise NotKnownError

    def _global(self, node: ast.AST) -> object:
        if isinstance(node, ast.ClassDef):
            return ClassValue(node, self.module)
        if isinstance(node, ast.FunctionDef):
            return FunctionValue(node, self.module)
        return Scope(self.module).value(node)

    def _attribute(self, node: ast.Attribute) -> object:
        owner, name = node.value, node.attr
        if (dotted := f"{ast.unparse(owner)}.{name}") in self.names:
            return self.names[dotted]
        value = self._known(owner)
        if isinstance(value, FieldValue):
            return getattr(value, name)
        if isinstance(value, ClassValue):
            return class_attributes(value)[name].default
        raise NotKnownError

    def _item(self, node: ast.Subscript) -> object:
        owner, index = node.value, node.slice
        if ast.unparse(owner) in {"Optional", "typing.Optional"}:
            return ("Optional", self.value(index))
        return self._known(owner)[self._known(index)]

    def _call(self, node: ast.Call) -> object:
        arguments = [self._known(argument) for argument in node.args]
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            result = getattr(self._known(node.func.value), node.func.attr)(*arguments)
            return result if isinstance(result, str) else list(result)
        name = ast.unparse(node.func)
        if name.rpartition(".")[2] == "fields" and isinstance(arguments[0], ClassValue):
            return list(class_attributes(arguments[0]).values())
        if name.rpartition(".")[2] == "field":
            given = [self.value(keyword.value) for keyword in node.keywords if keyword.arg == "default"]
            return given[0] if given else Opaque(ast.unparse(node))
        if name in BUILDERS and not node.keywords:
            return BUILDERS[name](*arguments)
        made = self.lookup(name)
        if isinstance(made, FunctionValue) and not (node.args or node.keywords):
            return returned(made)
        if isinstance(made, ClassValue):
            return made
        raise NotKnownError

    def run(self, body: list[ast.stmt]) -> object:
        """What a function's statements return, as far as tests and returns go."""
        for statement in body:
            match statement:
                case ast.Return(value=ast.expr() as value):
                    return self._known(value)
                case ast.If(test=test, body=then, orelse=otherwise):
                    return self.run(then if self._known(test) else otherwise)
                case _:
                    raise NotKnownError
        raise NotKnownError


def returned(function: FunctionValue) -> object:
    """What a call without arguments returns; raises NotKnownError for a function that does more than choose."""
    arguments, outside = function.node.args, Scope(function.module)
    names = [argument.arg for argument in arguments.args]
    if len(names) > len(arguments.defaults):
        raise NotKnownError
    return Scope(function.module, dict(zip(names, map(outside.value, arguments.defaults), strict=True))).run(
        function.node.body
    )


def class_attributes(owner: ClassValue) -> dict[str, FieldValue]:
    """The attributes a class body gives a value or a type, by name, those of its bases first."""
    found: dict[str, FieldValue] = {}
    scope = Scope(owner.module)
    for base in owner.node.bases:
        if isinstance(value := scope.value(base), ClassValue):
            found |= class_attributes(value)
    for statement in owner.node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = scope.value(statement.value) if statement.value else Opaque("required")
            name = statement.target.id
            found[name] = FieldValue(name, scope.value(statement.annotation), default)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            found[name] = FieldValue(name, Opaque("Any"), scope.value(statement.value))
    return found


READERS: dict[type[ast.AST], Callable[[Scope, Any], object]] = {
    ast.Constant: lambda _scope, node: node.value,
    ast.Name: lambda scope, node: scope.lookup(node.id),
    ast.List: lambda scope, node: scope.items(node.elts),
    ast.Tuple: lambda scope, node: scope.items(node.elts),
    ast.Set: lambda scope, node: scope.items(node.elts),
    ast.Dict: Scope._table,
    ast.JoinedStr: lambda scope, node: "".join(scope._text(part) for part in node.values),
    ast.IfExp: lambda scope, node: scope._value(node.body if scope._known(node.test) else node.orelse),
    ast.ListComp: Scope._comprehended,
    ast.GeneratorExp: Scope._comprehended,
    ast.SetComp: Scope._comprehended,
    ast.Attribute: Scope._attribute,
    ast.BinOp: Scope._operated,
    ast.Compare: Scope._compared,
    ast.UnaryOp: Scope._unary,
    ast.BoolOp: Scope._joined,
    ast.Subscript: Scope._item,
    ast.Call: Scope._call,
}
