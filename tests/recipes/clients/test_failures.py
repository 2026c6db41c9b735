"""Clients that go, come in hundreds, or lose their server mid-stream: over gRPC, over HTTP, and as a person sees it."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from invoke import Exit

from doctor.ending import told
from environment.workspace import Workspace
from recipes import running, runs
from recipes.client import Question, Refused, Unreachable, ask
from recipes.deployment import Ports, deploy
from recipes.generate import generate
from recipes.ports import free_ports
from recipes.rehearsal import binary
from recipes.rehearsal.screen import run_and_ask
from tests.recipes.clients.conftest import ECHO, TRITON, served
from tests.recipes.clients.words import BEGINS, DIES, FAULT
from tests.recipes.rehearsal.conftest import ROOT, Home, make_home
from tests.waiting import PATIENCE, soon

pytestmark = TRITON
CANCELLED = "a client cancelled its request"
LONG = ("--max-tokens", "60000", "--min-tokens", "60000")  # half a minute of the echo
TEXT = "猎豹🐆 cheetah"


def cancelled(home: Home) -> int:
    """How many answers the engine has ended because nobody read them any more."""
    return (home.workspace / "runs" / "qwen2" / "server.log").read_text().count(CANCELLED)


def begun(home: Home) -> int:
    """How many answers the engine has begun."""
    return (home.workspace / "runs" / "qwen2" / "server.log").read_text().count(BEGINS)


@contextmanager
def asking(home: Home, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A task in a session of its own."""
    with subprocess.Popen(
        (sys.executable, "-m", "invoke", *words),
        cwd=ROOT,
        env=home.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.read(6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ask_that_is_ended_ends_its_answer_on_the_engine(home: Home, number: signal.Signals) -> None:
    before = cancelled(home)
    with asking(home, "ask", TEXT, *LONG) as process:
        assert first(process) == "猎豹".encode()
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, said
    assert said.decode() == "interrupted: what was started is stopped, nothing half-made is kept\n"
    assert soon(lambda: cancelled(home) == before + 1)


def test_a_reader_that_has_enough_ends_the_answer_without_a_word(home: Home) -> None:
    before = cancelled(home)
    with asking(home, "ask", TEXT, *LONG) as process:
        assert first(process) == "猎豹".encode()
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert soon(lambda: cancelled(home) == before + 1)


def test_an_answer_in_one_piece_is_ended_too(home: Home) -> None:
    before, answers = cancelled(home), begun(home)
    with asking(home, "ask", TEXT, "--no-stream", *LONG) as process:
        assert soon(lambda: begun(home) > answers)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert soon(lambda: cancelled(home) == before + 1)


def test_two_hundred_clients_over_grpc(home: Home) -> None:
    def one(number: int) -> str:
        return "".join(ask(home.run.address, Question(prompt=f"{TEXT} {number}", max_tokens=200)))

    with concurrent.futures.ThreadPoolExecutor(200) as crowd:
        assert list(crowd.map(one, range(200))) == [f"{TEXT} {number}" for number in range(200)]


def test_two_hundred_clients_over_http(home: Home) -> None:
    address = f"127.0.0.1:{home.run.http}"

    def one(number: int) -> str:
        return generate(address, Question(prompt=f"{TEXT} {number}", max_tokens=200))

    with concurrent.futures.ThreadPoolExecutor(200) as crowd:
        assert list(crowd.map(one, range(200))) == [f"{TEXT} {number}" for number in range(200)]


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Home]:
    """A server that is going to be killed."""
    made = make_home(tmp_path, 19500 + os.getpid() % 1000)
    served(made)
    yield made
    made.close()


def tell(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n".encode())
    process.stdin.flush()


def told_up_to(process: subprocess.Popen[bytes], words: bytes) -> bytes:
    """What the process says up to the line with these words."""
    assert process.stderr is not None
    said = b""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(said.decode())


def fail(home: Home) -> None:
    """The server says what a failing one says."""
    with (home.workspace / "runs" / "qwen2" / runs.LOG).open("a", encoding="utf-8") as file:
        file.write(f"{FAULT}\n")


def kill(home: Home) -> None:
    os.killpg(home.run.process, signal.SIGKILL)


@pytest.mark.parametrize("words", [(), ("--json",), ("--no-stream",)])
def test_ask_says_that_its_server_has_died(doomed: Home, words: tuple[str, ...]) -> None:
    with asking(doomed, "ask", TEXT, *words, *LONG) as process:
        if words:
            assert soon(lambda: begun(doomed) == 1)
        else:
            first(process)
        kill(doomed)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert b"no Triton answers" in said
    assert b"Traceback" not in said


def test_a_talk_outlives_its_server_and_says_so(doomed: Home) -> None:
    with asking(doomed, "chat", *LONG) as process:
        tell(process, TEXT)
        first(process)
        kill(doomed)
        _, said = process.communicate(f"{TEXT}\n/quit\n".encode(), timeout=PATIENCE)
    assert process.returncode == 0
    assert said.count(b"no Triton answers") == 2
    assert said.count(b"qwen2 has ended by itself") == 1


def test_a_talk_tells_why_its_server_has_ended_and_goes_on_with_the_next(doomed: Home) -> None:
    with asking(doomed, "chat", *LONG) as process:
        tell(process, TEXT)
        first(process)
        fail(doomed)
        kill(doomed)
        said = told_up_to(process, b"root cause: GPU memory exhausted")
        tell(process, TEXT)
        said += told_up_to(process, b"no Triton answers")
        served(doomed)
        tell(process, "again")
        assert process.stdout is not None
        process.stdout.readline()  # what had come of the answer that broke off
        assert process.stdout.read(5) == b"again"
        process.send_signal(signal.SIGINT)
        assert soon(lambda: cancelled(doomed) == 1)
        _, rest = process.communicate(b"/quit\n", timeout=PATIENCE)
    assert process.returncode == 0, rest
    assert (said + rest).count(b"root cause") == 1
    assert (said + rest).count(b"no Triton answers") == 2


def test_a_server_that_crashes_at_a_question_is_told_with_the_cause(doomed: Home) -> None:
    for words in (("ask", DIES), ("ask", TEXT), ("quality",)):
        said = doomed.invoke(*words, code=1).stderr
        assert "error: qwen2 has ended by itself" in said
        assert said.count("root cause: GPU memory exhausted") == 1
    assert said == doomed.invoke("chat", code=1).stderr == f"error: {doomed.invoke('status').stderr}"


def test_so_is_one_that_crashes_at_the_smoke_question_of_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    http, grpc, metrics = free_ports(3, 19500 + os.getpid() % 1000)
    ports = Ports(http=http, grpc=grpc, metrics=metrics)
    made = deploy("qwen2", workspace=Workspace(tmp_path), ports=ports)
    monkeypatch.setattr(binary, "STAND_IN", ECHO)
    with pytest.raises(Exit) as ended, told():
        run_and_ask(made, "", templates="", question=DIES, max_tokens=None, quality=False)
    assert ended.value.code == 1
    assert str(ended.value.message).startswith("error: qwen2 has ended by itself")
    assert "root cause: GPU memory exhausted" in str(ended.value.message)
    assert running.look(made.workspace.runs) == ([], [], [])


@pytest.mark.parametrize("words", [("ask", TEXT), ("chat",)])
def test_of_a_server_that_somebody_stops_there_is_no_cause(doomed: Home, words: tuple[str, ...]) -> None:
    with asking(doomed, *words, *LONG) as process:
        if words == ("chat",):
            tell(process, TEXT)
        first(process)
        fail(doomed)
        doomed.invoke("stop")
        _, said = process.communicate(b"/quit\n", timeout=PATIENCE)
    assert b"error: " in said
    assert b"ended by itself" not in said
    assert b"root cause" not in said
    assert doomed.invoke("status").stderr == ""


def test_in_the_library_it_is_an_error_not_an_end(doomed: Home) -> None:
    pieces = ask(doomed.run.address, Question(prompt=TEXT, max_tokens=60000, min_tokens=60000))
    next(pieces)
    kill(doomed)
    with pytest.raises(Unreachable):
        list(pieces)


def test_a_question_that_the_server_refuses_is_told_with_its_reason(home: Home) -> None:
    with pytest.raises(Refused, match="request_output_len is 0"):
        list(ask(home.run.address, Question(prompt=TEXT, max_tokens=0)))
