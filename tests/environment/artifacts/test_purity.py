"""Artifacts are read in one place, `heads.py`; everything else only parses, and nothing is run or unpickled."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import environment.artifacts

SOURCES = sorted(Path(environment.artifacts.__file__).parent.glob("*.py"))
MAY_LOOK = {"heads.py": {"os"}, "kinds.py": {"is_dir"}, "digests.py": {"is_symlink", "readlink"}}
LOOKING = {"is_dir", "is_file", "exists", "is_symlink", "readlink", "iterdir", "glob", "rglob", "stat", "resolve"}
READING = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "touch", "rename"}
RUNNING = {"eval", "exec", "compile", "__import__", "import_module", "literal_eval"}
FORBIDDEN = {"pickle", "shelve", "marshal", "subprocess", "importlib", "runpy", "torch", "yaml", "mmap", "socket"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_only_heads_reads(source: Path) -> None:
    tree, allowed = ast.parse(source.read_text(encoding="utf-8")), MAY_LOOK.get(source.name, set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
            assert not {module.partition(".")[0] for module in modules} & (FORBIDDEN | {"os", "io"} - allowed)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in RUNNING, f"{node.lineno}: {called}"
            last = called.rpartition(".")[2]
            assert last not in (LOOKING | READING) - allowed or "os" in allowed, f"{node.lineno}: {called}"


def test_the_test_itself_finds_a_culprit(tmp_path: Path) -> None:
    for words in ("import pickle", "import os", "open('x')", "path.read_bytes()", "eval('1')"):
        (tmp_path / "x.py").write_text(words)
        with pytest.raises(AssertionError):
            test_only_heads_reads(tmp_path / "x.py")
