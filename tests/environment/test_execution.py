"""The actor: skips, runs, fails with last words, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from environment import execution
from environment.errors import Trouble
from environment.execution import carry_out
from environment.plan import Plan, Step
from environment.workspace import current
from tests.waiting import PATIENCE, is_running, soon


def one(*argv: str, output: str = "") -> Plan:
    return Plan(purpose="try", release="v0.10.0", steps=(Step(title="Try it", tool="sh", argv=argv, output=output),))


def test_a_finished_step_is_not_repeated(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    carry_out(one("sh", "-c", "exit 9", output=str(tmp_path)), tmp_path / "logs")
    assert f"Try it: there already ({tmp_path})" in capfd.readouterr().err


def test_output_is_logged(tmp_path: Path) -> None:
    carry_out(one("sh", "-c", "echo out; echo err >&2"), tmp_path)
    assert sorted((tmp_path / "01-sh.log").read_text().split()) == ["err", "out"]


@pytest.mark.parametrize("names", [("config.pbtxt", "1/model.py"), ()])
def test_what_gets_its_final_name_is_on_the_disk_before(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves a finished folder whose files are empty: so it was in a virtual machine."""
    partial, whole, flushed = tmp_path / "made.partial", tmp_path / "made", set()

    def fsync(handle: int) -> None:
        assert not whole.exists()
        flushed.add(str(Path(f"/proc/self/fd/{handle}").readlink()))

    monkeypatch.setattr(os, "fsync", fsync)
    files = {partial / name for name in names} or {partial}
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made")
    carry_out(one("mv", str(partial), str(whole)), tmp_path / "logs")
    assert flushed == {str(file) for file in files}
    assert whole.exists()


def test_a_failure_shows_command_code_last_lines_and_log(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        carry_out(one("sh", "-c", "seq 100; printf 'b\\377d\\n'; exit 7"), tmp_path)
    text = str(caught.value)
    assert "exit code 7" in text
    assert "\n100\nb\ufffdd" in text
    assert "\n80\n" not in text
    assert str(tmp_path / "01-sh.log") in text


def test_colours_of_a_compiler_do_not_reach_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        carry_out(one("sh", "-c", r"printf '\033[31merror\033[0m:\tx\033]0;title\007\n'; exit 1"), tmp_path)
    assert "\nerror:\tx\ufffd]0;title\ufffd" in caught.value.what


def test_a_step_that_explains_itself_is_shown_whole_and_no_cause_is_looked_for(tmp_path: Path) -> None:
    report = "echo FAIL; seq 60; exit 1"
    step = Step(title="Preflight", tool="sh", argv=("sh", "-c", report), explains=True)
    with pytest.raises(Trouble) as caught:
        carry_out(Plan(purpose="try", release="v0.10.0", steps=(step,)), tmp_path)
    assert caught.value.log is None
    assert str(caught.value).startswith("Preflight: sh ended with exit code 1\nFAIL\n1\n2\n")


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # a folder of it that nobody may look into is another error
    with pytest.raises(Trouble, match="no-such-program cannot be started: No such file"):
        carry_out(one("no-such-program"), tmp_path)


def test_an_interrupt_ends_the_whole_process_group(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from environment.execution import carry_out;"
        "from environment.plan import Plan, Step;"
        "carry_out(Plan(purpose='', release='', steps=(Step(title='t', tool='sh', argv=('sh', '-c',"
        f"'sleep 600 & echo $! > {tmp_path}/child; wait')),)), Path('{tmp_path}'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    child = tmp_path / "child"
    assert soon(lambda: child.exists() and child.read_text().strip() != "")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE) != 0
    assert soon(lambda: not is_running(int(child.read_text())))


def test_an_interrupt_while_a_command_starts_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also two of them: the second one comes while the command is being ended."""
    real, end, started = subprocess.Popen, execution.end_group, list[subprocess.Popen[bytes]]()

    def interrupted_popen(*words: Any, **settings: Any) -> subprocess.Popen[bytes]:
        started.append(real(*words, **settings))
        os.kill(os.getpid(), signal.SIGINT)
        return started[0]

    def interrupted_end(process: subprocess.Popen[bytes]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        end(process)

    monkeypatch.setattr(subprocess, "Popen", interrupted_popen)
    monkeypatch.setattr(execution, "end_group", interrupted_end)
    with pytest.raises(KeyboardInterrupt):
        carry_out(one("sleep", "600"), tmp_path)
    assert not is_running(started[0].pid)


def test_the_workspace_is_beside_the_project_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRTLLM_WORKSPACE", raising=False)
    assert current(tmp_path).engines == tmp_path / "workspace" / "engines"
    monkeypatch.setenv("TRTLLM_WORKSPACE", str(tmp_path / "elsewhere"))
    assert current(tmp_path).root == tmp_path / "elsewhere"
