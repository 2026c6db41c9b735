"""The shape of the house: imports go one way, and each outside package has one door."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

from recipes.recipe import find, names

ROOT = Path(__file__).parents[1]
FLOORS = ("environment", "doctor", "recipes")
MAY_USE = {
    "environment": {"environment"},
    "doctor": {"doctor", "environment"},
    "recipes": {"recipes", "environment"},
    "tasks": {"doctor", "recipes", "environment"},
}
# Libraries of values and vocabulary: used wherever they help. Every other outside package has exactly one door.
ANYWHERE = {"msgspec", "packaging", "rich", "numpy"}
# Invoke is the frame around everything: the tasks of each floor, how they end, and the errors of their parser.
FRAME = {"tasks.py", "environment/invocation.py", "doctor/ending.py", "recipes/deploying.py"}
# More than one module for one package, each for a reason of its own.
TWO_DOORS = {
    "psutil": {"environment/machine.py", "recipes/processes.py"},  # what the host has, and what runs on it
    "tokenizers": {"recipes/rehearsal/text.py", "recipes/rehearsal/train.py"},  # what serves, and what trains
    # its message types, the client of a terminal, and the asyncio client of a gateway
    "tritonclient": {"environment/artifacts/model_config.py", "recipes/client.py", "recipes/openai/triton.py"},
}


# What a person meets; `unknown_name` lists what is known instead.
TROUBLES = {"Trouble", "Usage", "Undetermined", "Refused", "Unreachable"}
LONGEST = {"tasks.py": 370}  # the tasks that bring both floors together, with every option they take


def sources() -> Iterator[Path]:
    yield ROOT / "tasks.py"
    for floor in FLOORS:
        yield from sorted((ROOT / floor).rglob("*.py"))


@cache
def nodes(source: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))


def imported(source: Path) -> Iterator[str]:
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_imports_go_one_way() -> None:
    for source in sources():
        floor = source.relative_to(ROOT).parts[0].removesuffix(".py")
        strangers = {name for name in imported(source) if name in {*FLOORS, "tasks", "tests"}} - MAY_USE[floor]
        assert not strangers, f"{source.relative_to(ROOT)} imports {strangers}"


def used(code: str) -> Iterator[str]:
    """What is imported from, at the beginning or inside a function, but not for a type checker alone."""
    body = (
        node for node in ast.parse(code).body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node))
    )
    for node in chain.from_iterable(map(ast.walk, body)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_no_module_is_built_on_one_that_is_built_on_it() -> None:
    """What both of two modules use stands below them."""
    known = {".".join(source.relative_to(ROOT).with_suffix("").parts): source for source in sources()}
    built = {name: {*used(source.read_text(encoding="utf-8"))} & {*known} - {name} for name, source in known.items()}
    TopologicalSorter(built).prepare()


def test_an_import_inside_a_function_would_be_seen() -> None:
    assert [*used("def act():\n    from recipes import crash")] == ["recipes", "recipes.crash"]
    assert [*used("if TYPE_CHECKING:\n    from recipes.runs import Run")] == []


def test_every_outside_package_has_one_door() -> None:
    doors: dict[str, set[str]] = defaultdict(set)
    for source in sources():
        named = source.relative_to(ROOT).as_posix()
        framed = {"invoke"} if named in FRAME or source.stem.endswith(("_task", "_tasks")) else set()
        for name in set(imported(source)) - framed - set(FLOORS) - set(sys.stdlib_module_names) - ANYWHERE:
            doors[name].add(named)
    assert "invoke" not in doors
    for name, modules in doors.items():
        assert len(modules) == 1 or modules == TWO_DOORS.get(name), f"{name} is imported by {sorted(modules)}"


def test_every_error_says_what_mends_it() -> None:
    for source in sources():
        for node in nodes(source):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TROUBLES:
                said = {keyword.arg for keyword in node.keywords}
                assert "mend" in said, f"{source.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_no_shell_and_no_unpickling_anywhere() -> None:
    for source in sources():
        for node in nodes(source):
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert isinstance(node.value, ast.Constant), source
                assert node.value.value is False, source
            if isinstance(node, ast.Attribute) and node.attr in {"system", "popen", "load", "loads"}:
                called = ast.unparse(node)
                assert called not in {"os.system", "os.popen", "pickle.load", "pickle.loads", "yaml.load"}, source


def test_files_stay_short() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    too_long = {str(path): length for path, length in lengths.items() if length > LONGEST.get(str(path), 300)}
    assert not too_long


TAG = re.compile(r"v?\d+\.\d+(\.\d+)?")


def decided_by(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The words that a comparison, a match or a search for a beginning turns on."""
    for node in nodes:
        if isinstance(node, ast.Compare | ast.MatchValue) or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"startswith", "endswith"}
        ):
            yield from (
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and type(each.value) is str
            )


def test_no_decision_turns_on_a_release_or_a_model() -> None:
    """A difference between releases or models is a field of data."""
    recipes = [find(name) for name in names()]
    models = {*names(), *(recipe.family for recipe in recipes), *(recipe.title for recipe in recipes)}
    models |= {name for recipe in recipes for name in recipe.variants}
    models |= {recipe.checkpoint.architecture for recipe in recipes} | {recipe.checkpoint.hub for recipe in recipes}
    for source in sources():
        turns = set(decided_by(nodes(source)))
        found = {word for word in turns if TAG.fullmatch(word) or word.lower() in {model.lower() for model in models}}
        assert not found, f"{source.relative_to(ROOT)} decides by {found}"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("release.tag == 'v0.10.0'", "v0.10.0"),
        ("Version(tag) < Version('v0.9.0')", "v0.9.0"),
        ("tag.startswith('v0.10')", "v0.10"),
        ("name in ('qwen2',)", "qwen2"),
    ],
)
def test_a_decision_by_a_release_or_a_model_would_be_seen(code: str, word: str) -> None:
    assert list(decided_by(ast.walk(ast.parse(code)))) == [word]
