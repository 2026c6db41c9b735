"""Starting, dying, interrupting and stopping, each on a server of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from environment.errors import Trouble
from recipes import health, processes, runs
from recipes.crash import Crashed
from recipes.rehearsal import server
from recipes.rehearsal.binary import Command
from recipes.rehearsal.rehearse import wait_for
from recipes.runs import Run
from tests.recipes.rehearsal.conftest import ROOT, Home, make_home
from tests.waiting import PATIENCE, is_running, soon

triton = pytest.mark.triton
REQUEST = "HTTP request: 2 /v2/repository/index"  # what Triton logs of one when it is told to log more


def servers_of(home: Home) -> list[psutil.Process]:
    words = str(home.workspace)
    return [p for p in psutil.process_iter() if _about(p, words) and p.status() != psutil.STATUS_ZOMBIE]


def _about(process: psutil.Process, words: str) -> bool:
    try:
        return process.name() in ("tritonserver", "triton_python_backend_stub") and any(
            words in word for word in process.cmdline()
        )
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def last_one_gone(home: Home) -> bool:
    return soon(lambda: not servers_of(home))


@triton
def test_serve_stop_and_serve_again(empty_home: Home) -> None:
    empty_home.serve()
    kept = sorted((empty_home.workspace / "checkpoints").iterdir())
    assert empty_home.invoke("stop").stderr.strip() == "qwen2 stopped."
    assert last_one_gone(empty_home)
    assert "no server is running" in empty_home.invoke("status").stdout
    assert "no server is running" in empty_home.invoke("ask", "hi", code=1).stderr
    empty_home.serve()
    assert sorted((empty_home.workspace / "checkpoints").iterdir()) == kept


@triton
def test_follow_shows_what_the_server_logs_and_ctrl_c_leaves_it_up(empty_home: Home, tmp_path: Path) -> None:
    said = tmp_path / "stdout"
    with (
        said.open("wb") as file,
        subprocess.Popen(
            (sys.executable, "-m", "invoke", "serve", "qwen2", "--rehearse", *empty_home.port_options, "--follow"),
            cwd=ROOT,
            env=empty_home.environment,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as serve,
    ):
        assert serve.stderr is not None
        next(line for line in serve.stderr if "The server stays up" in line)
        port = empty_home.run.http
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/logging", data=b'{"log_verbose_level": 1}')
        assert soon(lambda: bool(health.models(port)) and REQUEST in said.read_text())
        os.killpg(serve.pid, signal.SIGINT)  # as a terminal does: to everything that runs in it
        assert serve.wait(PATIENCE) == 0
        assert serve.stderr.read() == ""
    assert {model.state for model in health.models(port)} == {"READY"}
    assert empty_home.invoke("stop").stderr.strip() == "qwen2 stopped."


@triton
def test_a_server_that_hangs_is_killed_after_its_time(empty_home: Home) -> None:
    empty_home.serve()
    os.kill(empty_home.run.process, signal.SIGSTOP)
    assert empty_home.invoke("stop").stderr.strip() == "qwen2 stopped."
    assert last_one_gone(empty_home)
    assert list(runs.each(empty_home.workspace / "runs")) == []


@triton
@pytest.mark.parametrize("wait_for", ["Starting tritonserver", "loaded postprocessing", "loaded ensemble"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_what_was_started(empty_home: Home, wait_for: str, number: signal.Signals) -> None:
    words = ("serve", "qwen2", "--rehearse", *empty_home.port_options)
    with subprocess.Popen(
        (sys.executable, "-m", "invoke", *words),
        cwd=ROOT,
        env=empty_home.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as serve:
        assert serve.stderr is not None
        next(line for line in serve.stderr if wait_for in line)
        serve.send_signal(number)
        rest = serve.stderr.read()
        assert serve.wait(PATIENCE) == 130, rest
    assert "Traceback" not in rest
    assert last_one_gone(empty_home)
    assert list(runs.each(empty_home.workspace / "runs")) == []


@triton
def test_a_server_that_dies_shows_its_last_lines_and_is_gone(empty_home: Home) -> None:
    empty_home.serve()
    empty_home.invoke("stop")
    for model in empty_home.workspace.glob("checkpoints/cpu-*/model.bin"):
        os.truncate(model, 1000)
    done = empty_home.serve(code=1)
    assert "ended with exit code" in done.stderr
    assert "failed to load" in done.stderr
    assert last_one_gone(empty_home)
    assert "no server is running" in empty_home.invoke("status").stdout


@pytest.mark.parametrize("place", ["workspace", "checkpoint"])
def test_a_folder_that_tritons_python_cannot_open_is_refused_before_anything_starts(place: str, tmp_path: Path) -> None:
    home = make_home(tmp_path / "工作区" if place == "workspace" else tmp_path, 19500 + os.getpid() % 1000)
    own = () if place == "workspace" else ("--model-dir", str(tmp_path / "检查点"))
    said = home.serve(*own, code=2).stderr
    assert "Triton's Python opens no folder whose name goes beyond ASCII" in said
    assert "export TRTLLM_WORKSPACE=/var/tmp/trtllm" in said
    assert not home.workspace.exists()


def test_the_last_lines_are_short_and_say_why(tmp_path: Path) -> None:
    frames = r"Internal: ValueError: no such class\n\nAt:\n  /x/model.py(1): <module>"
    (tmp_path / "log").write_text(
        f"""E1 model_lifecycle.cc:642] "failed to load 'preprocessing' version 1: {frames}"\n"""
        "| server_id | triton |\n+-----------+--------+\n"
        + "I1 waiting\n" * 40
        + f"{'x' * 5000}\nerror: creating server\n",
        encoding="utf-8",
    )
    said = server.last_lines(tmp_path / "log").splitlines()
    assert said[0].endswith("failed to load 'preprocessing' version 1: Internal: ValueError: no such class")
    assert len(said) == 1 + server.LAST_LINES
    assert max(map(len, said)) <= server.LONGEST + 4
    assert said[-1] == "error: creating server"


@triton
def test_a_server_killed_behind_our_back_is_a_stale_record_that_goes(empty_home: Home) -> None:
    empty_home.serve()
    os.killpg(empty_home.run.process, signal.SIGKILL)
    assert last_one_gone(empty_home)
    assert "no server is running" in empty_home.invoke("status").stdout
    assert list(runs.each(empty_home.workspace / "runs")) == []
    assert "Started GRPCInferenceService" in empty_home.invoke("logs", "--lines", "500").stdout


@triton
def test_a_server_that_was_ready_and_died_is_told_with_the_cause(empty_home: Home) -> None:
    empty_home.serve()
    log, process = empty_home.workspace / "runs" / "qwen2" / runs.LOG, empty_home.run.process
    with log.open("a", encoding="utf-8") as file:
        file.write("[TensorRT-LLM][ERROR] CUDA runtime error in cudaMalloc(ptr, n): out of memory\n")
    os.killpg(process, signal.SIGKILL)
    assert last_one_gone(empty_home)
    told = [
        empty_home.invoke(*words, code=code).stderr
        for words, code in ((("status",), 0), (("ask", "hi"), 1), (("chat", "--name", "qwen2"), 1), (("ask", "hi"), 1))
    ]
    for said in told:
        assert f"qwen2 has ended by itself\n  where  {log}\n" in said
        assert "root cause: GPU memory exhausted" in said
    empty_home.serve()
    assert empty_home.invoke("status").stderr == ""
    empty_home.invoke("stop")
    assert empty_home.invoke("status").stderr == ""
    assert "no server is running" in empty_home.invoke("ask", "hi", code=1).stderr


@triton
def test_what_has_ended_by_itself_is_told_for_the_last_time_by_stop(empty_home: Home) -> None:
    empty_home.serve()
    os.killpg(empty_home.run.process, signal.SIGKILL)
    assert last_one_gone(empty_home)
    assert "qwen2 has ended by itself" in empty_home.invoke("stop", code=1).stderr
    assert empty_home.invoke("status").stderr == ""
    assert "no server is running" in empty_home.invoke("stop", code=1).stderr


def program(tmp_path: Path, text: str) -> Command:
    path = tmp_path / "server"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return Command(argv=(str(path),), env={})


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    command = program(tmp_path, "print('no such model'); raise SystemExit(7)")
    with (
        pytest.raises(Trouble, match=r"exit code 7(.|\n)*no such model"),
        server.started(command, log, print) as process,
    ):
        server.wait_ready(process, 9, log, print, PATIENCE)


def test_a_process_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    seen: list[int] = []
    command = program(tmp_path, "import time\nprint('loading', flush=True)\ntime.sleep(60)")

    def waited_for() -> None:
        with server.started(command, log, seen.append) as process:
            assert soon(lambda: "loading" in log.read_text())
            server.wait_ready(process, 9, log, print, 0.1)

    with pytest.raises(Trouble, match=r"not ready within 0.1 s(.|\n)*loading"):
        waited_for()
    assert not is_running(*seen)


@pytest.fixture
def ready() -> Iterator[int]:
    """The port of a server in this process that says it is ready."""

    class Yes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Yes) as answering:
        thread = threading.Thread(target=answering.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield answering.server_port
        answering.shutdown()
        thread.join()


def test_the_word_of_another_server_on_the_port_is_not_taken_for_ones_own(ready: int, tmp_path: Path) -> None:
    """Of two started at once the second asked the first, called itself ready, and ended."""
    assert server.answers(os.getpid(), ready)
    log = tmp_path / "log"
    command = Command(argv=(sys.executable, "-c", "raise SystemExit('address in use')"), env={})

    def waited_for() -> None:
        with server.started(command, log, print) as process:
            server.wait_ready(process, ready, log, print, PATIENCE)

    with pytest.raises(Trouble, match="exit code 1 before it was ready"):
        waited_for()


def test_a_server_that_another_command_started_is_waited_for(ready: int, tmp_path: Path) -> None:
    own = os.getpid()
    there = Run(
        name="mine",
        recipe="qwen2",
        release="v0.10.0",
        rehearsal=True,
        process=own,
        born=processes.birth(own),
        started=1.0,
        http=ready,
        grpc=1,
        metrics=1,
        model="ensemble",
        tokenizer="/t",
    )
    wait_for(there, tmp_path, PATIENCE)
    with pytest.raises(Trouble, match="'mine' was started before and is not ready"):
        wait_for(replace(there, http=9), tmp_path, 0.05)
    gone = replace(there, http=9, born="")
    with pytest.raises(Trouble, match="'mine' was started before and is not ready") as stopped:
        wait_for(gone, tmp_path, 0.05)
    assert stopped.value.why == "it was stopped"
    runs.write(tmp_path, gone)
    with pytest.raises(Crashed, match="mine has ended by itself") as caught:
        wait_for(gone, tmp_path, 0.05)
    assert caught.value.log == tmp_path / "mine" / runs.LOG


def test_a_failure_to_record_ends_the_process(tmp_path: Path) -> None:
    pids = []

    def record(pid: int) -> None:
        pids.append(pid)
        raise OSError("disk full")

    command = program(tmp_path, "import time\ntime.sleep(60)")
    with pytest.raises(OSError, match="disk full"), server.started(command, tmp_path / "log", record):
        pytest.fail("the block must not run")
    assert not psutil.pid_exists(pids[0]) or psutil.Process(pids[0]).status() == psutil.STATUS_ZOMBIE


def test_the_watch_says_each_model_once_and_waits_for_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    told: list[str] = []
    watch = server.Watch(log, told.append)
    log.write_bytes(b"x\nI model_lifecycle.cc:839] \"successfully loaded 'a'\"\nI successfully loa")
    watch.look()
    with log.open("ab") as file:
        file.write(b"ded 'b'\n\xff\xfe\n")
    watch.look()
    watch.look()
    assert told == ["  loaded a", "  loaded b"]
