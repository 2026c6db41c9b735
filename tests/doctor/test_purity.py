"""Parsers and checks do no input or output: only probes, bundles and the task's own module act."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DOCTOR = Path(__file__).parents[2] / "doctor"
PURE = [
    *sorted((DOCTOR / "facts").glob("*.py")),
    *sorted((DOCTOR / "checks").glob("*.py")),
    *(DOCTOR / "inspection" / f"{name}.py" for name in ("answer", "plans", "folders", "text")),
    *(
        DOCTOR / name
        for name in ("verdict.py", "outcome.py", "subject.py", "examination.py", "report.py", "text.py", "redaction.py")
    ),
]
MAY_IMPORT = {
    *("__future__", "collections", "dataclasses", "datetime", "enum", "functools", "itertools", "math", "operator"),
    *("posixpath", "re", "string", "textwrap", "types", "typing", "unicodedata", "ipaddress", "fnmatch", "difflib"),
    *("msgspec", "packaging", "doctor", "environment"),
}
ACTING = {"open", "print", "input", "exec", "eval", "compile", "__import__"}
ACTING_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "stat", "exists"}
ACTING_MODULES = {
    "doctor.probes",
    "doctor.bundle",
    "doctor.consultation",
    "doctor.visit",
    "doctor.telling",
    "environment.console",
}


def names(tree: ast.AST) -> list[str]:
    """Every module a source imports, by its full name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("source", PURE, ids=lambda path: path.relative_to(DOCTOR).as_posix())
def test_no_input_and_no_output(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for name in names(tree):
        assert name.partition(".")[0] in MAY_IMPORT, name
        assert not any(name.startswith(module) for module in ACTING_MODULES), name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ACTING, f"line {node.lineno}: {called}"
            assert called.rpartition(".")[2] not in ACTING_METHODS, f"line {node.lineno}: {called}"


def test_the_test_itself_finds_a_culprit() -> None:
    tree = ast.parse("import os\nfrom pathlib import Path\nPath('x').read_text()")
    assert {name.partition(".")[0] for name in names(tree)} - MAY_IMPORT == {"os", "pathlib"}
