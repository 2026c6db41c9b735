"""What becomes of a task whose output nobody takes: a closed stream, a full disk, a reader that has enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT

WORDS = (("--list",), ("--help", "serve"), ("recipes",), ("releases",), ("doctor", "--explain", "G003"))
INVOKE = (sys.executable, "-m", "invoke")


def ended(words: tuple[str, ...], stdout: str, workspace: Path) -> tuple[int, str]:
    """The exit code and standard error of `invoke WORDS`, its standard output redirected by the shell."""
    ran = subprocess.run(
        ("sh", "-c", f'"$@" {stdout}', "sh", *INVOKE, *words),
        cwd=ROOT,
        env={**os.environ, "TRTLLM_WORKSPACE": str(workspace)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_closed_stream_is_nobodys_bug(words: tuple[str, ...], tmp_path: Path) -> None:
    assert ended(words, ">&-", tmp_path) == (0, "")


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_full_disk_behind_standard_output_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    code, said = ended(words, ">/dev/full", tmp_path)
    assert code == 1
    assert "error: there is no room to write: No space left on device\n  where  standard output\n" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_reader_that_has_enough_ends_it_without_a_word(words: tuple[str, ...], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            (*INVOKE, *words),
            cwd=ROOT,
            env={**os.environ, "TRTLLM_WORKSPACE": str(tmp_path)},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert ran.stderr == b""


def test_ctrl_c_before_the_task_begins_shows_no_traceback(tmp_path: Path) -> None:
    script = "from environment import invocation; invocation.install(); raise KeyboardInterrupt"
    ran = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == -signal.SIGINT
    assert ran.stderr == "interrupted\n"
