"""The documents say what is: every task is in them, their commands run, their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from invoke import Collection, Task

import tasks
from environment.errors import ExitCode
from tests.command_line import ROOT, invoke

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "tests").rglob("README.md")])
TASKS: dict[str, Task[Any]] = Collection.from_module(tasks).tasks
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a README command does on any machine: its exit codes. One is not run from here: it is this very run.
TAKES_LONG = {"serve qwen2 --rehearse": "tests/recipes/rehearsal runs it on real Triton", "test": "this is it"}
MAY_END_WITH = {"doctor": {0, 1, 3}, "serve qwen2 --tp 4": {0, 1}}


def commands(text: str) -> list[str]:
    lines = "\n".join(BLOCK.findall(text)).splitlines()
    return [line.partition("#")[0].removeprefix("./inv").strip() for line in lines if line.startswith("./inv ")]


@pytest.mark.parametrize("command", [found for found in commands(README) if found not in TAKES_LONG])
def test_the_readmes_commands_run(command: str, tmp_path: Path) -> None:
    done = invoke(*command.split(), workspace=tmp_path)
    assert done.returncode in MAY_END_WITH.get(command, {0}), done.stderr
    assert "Traceback" not in done.stderr


def test_the_two_commands_are_there() -> None:
    assert set(TAKES_LONG) <= set(commands(README))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_is_documented(name: str) -> None:
    task = TASKS[name]
    assert task.__doc__, "a task says what it does"
    assert f"`invoke {name}" in README, "a task is in the README's table"
    undescribed = [argument.name for argument in task.get_arguments() if not argument.help]
    assert not undescribed, f"options without help: {undescribed}"


def test_the_exit_codes_are_those_of_the_code() -> None:
    table = README.split("## Exit codes")[1].split("##")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {int(code) for code in ExitCode}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing


def test_the_doctors_page_has_every_option_and_every_family_of_checks() -> None:
    page, diagnosis = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("doctor.md", "diagnosis.md"))
    options = {f"--{str(argument.name).replace('_', '-')}" for argument in TASKS["doctor"].get_arguments()}
    assert {option for option in options if option not in page + diagnosis} == set()
    families = re.findall(r"^\| ([A-Z]) \|", page, re.MULTILINE)
    assert sorted(families) == sorted(path.stem for path in (ROOT / "doctor" / "checks" / "rules").glob("*.toml"))


def test_the_doctors_page_shows_what_is_said_of_a_recorded_host(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    bundle = ROOT / "tests" / "transcripts" / "hosts" / "h100x4.json"
    done = invoke("doctor", "--recipe", "qwen2", "--tp", "4", "--bundle", str(bundle), workspace=tmp_path)
    [shown] = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    missing = [block for block in shown.strip().split("\n\n") if block not in done.stdout]
    assert missing == []
