"""A server that ends while it is asked: told as such, with its log, and not as an address where nobody answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from invoke import Exit
from msgspec.structs import replace

from doctor.ending import told
from recipes import crash, processes, runs
from recipes.ask import Manner, Target, show_answer, show_whole, target
from recipes.chat import chat
from recipes.client import Unreachable
from recipes.crash import Crashed
from recipes.ports import free_ports
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.test_runs import run

FAULT = "CUDA runtime error in cudaMalloc(ptr, n): out of memory\n"


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Target]]:
    """A process that is recorded as a server and answers nobody, and how it is asked."""
    (port,) = free_ports(1, 18600)
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as there:
        server = replace(run(process=there.pid, born=processes.birth(there.pid)), http=port, grpc=port)
        runs.write(folder, replace(server, tokenizer=str(SHIPPED)))
        (folder / server.name / runs.LOG).write_text(FAULT)
        try:
            yield there, target(runs.choose(folder, ""), folder)
        finally:
            there.kill()


def test_one_that_has_ended_is_told_with_its_log(tmp_path: Path) -> None:
    with process(tmp_path) as (server, to):
        server.kill()
        server.wait()
        for show in (show_answer, show_whole):
            with pytest.raises(Crashed, match="qwen2 has ended by itself") as caught:
                show(to, "hi", Manner())
            assert caught.value.log == tmp_path / "qwen2" / runs.LOG
        with pytest.raises(Exit) as ended, told():
            show_answer(to, "hi", Manner())
        assert "root cause: GPU memory" in str(ended.value.message)


def test_one_that_is_about_to_end_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with process(tmp_path) as (server, to):
        looks = crash.gone

        def looked(recorded: runs.Run) -> bool:
            there = looks(recorded)
            server.kill()
            return there

        monkeypatch.setattr(crash, "gone", looked)
        with pytest.raises(Crashed):
            show_answer(to, "hi", Manner())


def test_one_that_goes_on_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "ENDING", 0.1)
    with process(tmp_path) as (_, to), pytest.raises(Unreachable):
        show_answer(to, "hi", Manner())


def test_a_talk_ends_with_its_server(tmp_path: Path) -> None:
    given = iter(["hi", "are you there?"])
    with process(tmp_path) as (server, to):
        server.kill()
        server.wait()
        with pytest.raises(Crashed):
            chat(to, Manner(), lambda: next(given))
    assert next(given) == "are you there?"
