"""`./inv`, in a project of its own whose Python and Invoke only say what they were asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT
from tests.waiting import PATIENCE

LOCKS = ("requirements.lock", "requirements-dev.lock")
NOWHERE = "/proc/self/nowhere/lock"  # nobody can make it, root neither


def stub(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/lib/python3.11/site-packages").mkdir(parents=True)
    shutil.copy(ROOT / "inv", tmp_path / "inv")
    for lock in LOCKS:
        (tmp_path / lock).write_text(f"{lock}\n", encoding="utf-8")
    stub(tmp_path / ".venv/bin/python", f'case "$*" in *pip*) echo "$@" >>{tmp_path}/installed ;; esac')
    stub(tmp_path / ".venv/bin/invoke", 'echo "invoke $*"')
    return tmp_path


def inv(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "inv", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def installed(project: Path) -> list[str]:
    file = project / "installed"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Path(line.split()[-1]).name for line in lines]


@pytest.mark.parametrize("words", [("ask", "what is a test now"), ("serve", "--name", "test"), ("--help", "test")])
def test_what_only_speaks_of_the_tests_does_not_install_their_packages(words: tuple[str, ...], project: Path) -> None:
    assert inv(project, *words).returncode == 0
    assert installed(project) == ["requirements.lock"]


@pytest.mark.parametrize("words", [("test",), ("--echo", "lint"), ("benchmark", "--only", "diagnosis")])
def test_the_projects_own_tasks_install_what_they_need_once(words: tuple[str, ...], project: Path) -> None:
    for _ in range(2):
        assert inv(project, *words).stdout.endswith(" ".join(words) + "\n")
    assert installed(project) == list(LOCKS)


ENTRY = "import sys\nfrom invoke.main import program\nsys.exit(program.run())\n"  # as pip writes it
INTERRUPTED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"


@pytest.mark.parametrize(("ignored", "code"), [(False, -signal.SIGINT), (True, 0)])
def test_ctrl_c_while_invoke_is_imported_is_the_end_without_a_traceback_unless_it_is_ignored(
    project: Path, ignored: bool, code: int
) -> None:
    entry, package = project / ".venv/bin/invoke", project / "packages/invoke"
    entry.write_text(f"#!{sys.executable}\n{ENTRY}", encoding="utf-8")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(INTERRUPTED.replace("60", "0") if ignored else INTERRUPTED, encoding="utf-8")
    (package / "main.py").write_text("class program:\n    run = staticmethod(lambda: 0)\n", encoding="utf-8")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    try:
        ran = inv(project, "recipes", PYTHONPATH=str(package.parent))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (ran.returncode, ran.stderr.splitlines()[1:]) == (code, [])


def test_a_lock_file_that_changed_is_installed_again(project: Path) -> None:
    inv(project, "recipes")
    (project / LOCKS[0]).write_text("another\n", encoding="utf-8")
    inv(project, "recipes")
    assert installed(project) == [LOCKS[0]] * 2


def test_who_may_only_read_a_whole_project_uses_it(project: Path) -> None:
    inv(project, "recipes")
    (project / ".venv.lock").unlink()
    (project / ".venv.lock").symlink_to(NOWHERE)
    assert inv(project, "recipes").returncode == 0


def test_who_may_only_read_an_unfinished_one_is_told_who_can_finish_it(project: Path) -> None:
    (project / ".venv.lock").symlink_to(NOWHERE)
    ran = inv(project, "recipes")
    assert ran.returncode == 1
    assert f"user {os.getuid()} may not write in {project}" in ran.stderr
    assert "./inv --list there as its owner" in ran.stderr


@pytest.mark.parametrize("left", [None, ""])
def test_what_a_power_cut_left_of_the_packages_is_installed_anew(left: str | None, project: Path) -> None:
    """In a virtual machine the stamp was found empty after one; pip asks only whether a package's metadata is there."""
    inv(project, "recipes")
    stamp = project / ".venv" / f"{LOCKS[0]}.installed"
    stamp.unlink() if left is None else stamp.write_text(left, encoding="utf-8")
    inv(project, "recipes")
    (project / LOCKS[0]).write_text("another\n", encoding="utf-8")
    inv(project, "recipes")
    told = (project / "installed").read_text(encoding="utf-8").splitlines()
    assert ["--force-reinstall" in line for line in told] == [True, True, False]


def test_a_failed_installation_is_no_installation(project: Path) -> None:
    stub(project / ".venv/bin/python", "exit 1")
    assert "could not be installed" in inv(project, "recipes").stderr
    assert not (project / ".venv" / f"{LOCKS[0]}.installed").exists()
