"""What a person is told when a step fails: the error, and the cause that the step's log names."""

import errno
import os
from pathlib import Path

import pytest
from invoke import Exit

from doctor.ending import told
from environment.errors import Trouble, in_words
from environment.execution import run
from environment.plan import Step


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 4)])
def test_a_full_disk_is_no_bug(number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRTLLM_WORKSPACE", str(tmp_path))
    with pytest.raises(Exit) as caught, told():
        raise OSError(number, os.strerror(number))
    assert caught.value.code == code
    assert (f"there is no room to write: {os.strerror(number)}" in str(caught.value.message)) == (code == 1)


STEP = Step(title="Build the engine", tool="trtllm-build", argv=("trtllm-build",))


def message(script: str, log: Path) -> str:
    with pytest.raises(Exit) as caught, told():
        run(("sh", "-c", script), STEP, log)
    return str(caught.value.message)


def test_a_failed_step_names_the_cause_in_its_log(tmp_path: Path) -> None:
    text = message(
        "echo 'trtllm-build: error: unrecognized arguments: --max_output_len 1024'; exit 2", tmp_path / "log"
    )
    assert "Build the engine: trtllm-build ended with exit code 2" in text
    assert "root cause: Option was renamed or removed" in text
    assert "--max_output_len 1024" in text


def test_a_failed_step_whose_log_names_no_known_cause_says_no_more_than_it_knows(tmp_path: Path) -> None:
    text = message("echo 'something odd'; exit 1", tmp_path / "log")
    assert "something odd" in text
    assert "root cause" not in text


def test_the_place_of_a_log_that_names_a_cause_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for words, said in (("CUDA runtime error in cudaMalloc(ptr, n): out of memory", True), ("fine", False)):
        log.write_text(words)
        text = in_its_words(Trouble("it differs", mend="look", log=log))
        assert (f"\n  log    {log}\n\nroot cause: " in text) == said
        assert text.startswith("it differs\n  mend   look")


def in_its_words(trouble: Trouble) -> str:
    with told():
        return in_words(trouble)


def test_a_file_that_this_person_may_not_use_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRTLLM_WORKSPACE", str(tmp_path))
    with pytest.raises(Exit) as caught, told():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "mine"))
    assert caught.value.code == 1
    assert f"cannot use {tmp_path / 'mine'}: Permission denied" in str(caught.value.message)
    assert f"ls -ld {tmp_path} " in str(caught.value.message)


def test_a_bug_is_reported_where_the_workspace_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRTLLM_WORKSPACE", "/proc/self/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Exit) as caught, told():
        raise KeyError("surprise")
    (report,) = tmp_path.rglob("bug.txt")
    assert str(report) in str(caught.value.message)
    assert "surprise" in report.read_text(encoding="utf-8")
