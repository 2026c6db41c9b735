"""A server that ends while it is asked: told as such, with its log, and not as an address where nobody answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from invoke import Exit
from msgspec.structs import replace

from doctor.ending import told
from recipes import crash, processes, running, runs
from recipes.ask import Manner, Target, show_answer, show_whole, target
from recipes.chat import chat
from recipes.client import Unreachable
from recipes.crash import Crashed, noticed
from recipes.ports import free_ports
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.runs import Run
from tests.recipes.test_runs import run

FAULT = "CUDA runtime error in cudaMalloc(ptr, n): out of memory\n"
CAUSE = "root cause: GPU memory"


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Run]]:
    """A process that is recorded as a server and answers nobody, with a fault in its log, and its record."""
    (port,) = free_ports(1, 18600)
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as there:
        server = run(process=there.pid, born=processes.birth(there.pid))
        server = replace(server, http=port, grpc=port, tokenizer=str(SHIPPED))
        runs.write(folder, server)
        (folder / server.name / runs.LOG).write_text(FAULT)
        try:
            yield there, server
        finally:
            there.kill()


@contextmanager
def dead(folder: Path) -> Iterator[Run]:
    """As `process`, and it was killed."""
    with process(folder) as (there, server):
        there.kill()
        there.wait()
        yield server


def asked(folder: Path, server: Run) -> None:
    with noticed(folder, server):
        show_answer(target(server), "hi", Manner())


def test_one_that_has_ended_is_told_with_its_log(tmp_path: Path) -> None:
    with dead(tmp_path) as server:
        for show in (show_answer, show_whole):
            with pytest.raises(Crashed, match="qwen2 has ended by itself") as caught, noticed(tmp_path, server):
                show(target(server), "hi", Manner())
            assert caught.value.log == tmp_path / "qwen2" / runs.LOG
            assert caught.value.why == f"no Triton answers at {server.address}"
        with pytest.raises(Exit) as ended, told():
            asked(tmp_path, server)
        assert CAUSE in str(ended.value.message)
        assert ended.value.code == 1


def test_one_that_is_about_to_end_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with process(tmp_path) as (there, server):
        looks = running.look

        def looked(folder: Path) -> running.Seen:
            seen = looks(folder)
            there.kill()
            return seen

        monkeypatch.setattr(running, "look", looked)
        with pytest.raises(Crashed):
            asked(tmp_path, server)


def test_one_that_goes_on_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "ENDING", 0.1)
    with process(tmp_path) as (_, server), pytest.raises(Unreachable):
        asked(tmp_path, server)


def test_one_that_was_stopped_is_not_and_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "ENDING", float("inf"))
    with process(tmp_path) as (_, server):
        running.stop(tmp_path, server)
        with pytest.raises(Unreachable):
            asked(tmp_path, server)


def test_of_one_that_is_served_again_the_end_before_is_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "ENDING", 0.1)
    with dead(tmp_path) as before, process(tmp_path) as (_, server):
        assert server != before
        with pytest.raises(Unreachable):
            asked(tmp_path, before)


def test_a_server_that_no_record_is_of_is_only_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable), noticed(tmp_path, None):
        show_answer(Target(address="127.0.0.1:9"), "hi", Manner())


def test_a_talk_outlives_its_servers_and_tells_why_each_has_ended_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def read() -> Iterator[str]:
        for questions in (("hi", "are you there?", "/clear", "hello?"), ("hi", "are you there?")):
            with dead(tmp_path):
                yield from questions
                said.append(capsys.readouterr().err)
        runs.dismiss(tmp_path, "qwen2")
        yield "bye"
        said.append(capsys.readouterr().err)

    with dead(tmp_path) as server, told():
        lines = read()
        talk = chat(target(server), Manner(), lambda: next(lines, "/quit"), partial(noticed, tmp_path, server))
    assert talk.turns == ()
    assert [words.count(CAUSE) for words in said] == [1, 1, 0]
    assert [words.count("no Triton answers") for words in said] == [3, 2, 1]
