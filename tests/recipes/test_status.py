"""Servers as rows: what is seen is shown, and what is not known is a dash."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from doctor.ending import told
from recipes import health, processes, runs, status
from recipes.condition import Condition
from recipes.health import Served
from recipes.runs import Run
from tests.command_line import ROOT
from tests.waiting import PATIENCE

GIGABYTE = 1_000_000_000


def run(**other: object) -> Run:
    said = {"name": "qwen2", "recipe": "qwen2", "release": "v0.10.0", "rehearsal": False, "process": 0, "started": 1.0}
    ports = {"http": 1, "grpc": 2, "metrics": 3}
    settings = {"world_size": "4", "gpus": "0,1,2,3", "engine": "qwen2-v0.10.0-tp4pp1"}
    words = {**said, **ports, "model": "ensemble", "tokenizer": "/t", "container": "trtllm-qwen2", "settings": settings}
    return msgspec.convert({**words, **other}, Run)


@contextmanager
def answering(code: int, body: bytes) -> Iterator[int]:
    class Index(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(code if self.path == "/v2/repository/index" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_models_are_those_that_triton_lists() -> None:
    listed = [{"name": "a", "version": "1", "state": "READY"}, {"name": "b", "state": "UNAVAILABLE", "reason": "why"}]
    with answering(200, json.dumps(listed).encode()) as port:
        assert health.models(port) == (
            Served(name="a", state="READY"),
            Served(name="b", state="UNAVAILABLE", reason="why"),
        )


@pytest.mark.parametrize(("code", "body"), [(400, b"{}"), (200, b"<html>"), (200, b"[{}]")])
def test_a_stranger_on_the_port_has_no_models(code: int, body: bytes) -> None:
    with answering(code, body) as port:
        assert health.models(port) == ()
    assert health.models(port) == ()


def test_a_server_that_runs_is_a_row_of_what_was_seen() -> None:
    now = Condition(since=time.time() - 3700, memory=3 * GIGABYTE, limit=8 * GIGABYTE, restarts=1)
    models = (Served(name="a", state="READY"), Served(name="b", state="LOADING"))
    row = status.row(run(), now, models)
    assert (row["state"], row["models"], row["restarts"]) == ("starting", {"a": "READY", "b": "LOADING"}, 1)
    heads, cells = status.table([row]).splitlines()
    assert heads.split() == list(status.COLUMNS)
    for text in ("starting", "1/2 ready", "0,1,2,3", "3.0 GB of 8.0 GB", "1h 1m", "qwen2-v0.10.0-tp4pp1"):
        assert text in cells


def test_a_server_that_has_ended_says_how_and_nothing_else() -> None:
    row = status.row(run(), Condition(ended="exited with code 137, out of memory"), ())
    assert (row["state"], row["up"], row["memory"]) == ("exited with code 137, out of memory", None, None)
    assert status.cells(row)["memory"] == status.cells(row)["up"] == status.cells(row)["models"] == "-"


def test_of_what_has_ended_by_itself_the_cause_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.write(tmp_path, run(container="", process=2**22 + 1))
    log = tmp_path / "qwen2" / runs.LOG
    log.write_text("CUDA runtime error in cudaMalloc(ptr, n): out of memory\n")
    for _ in range(2):
        with told():
            assert status.seen(tmp_path) == []
        said = capsys.readouterr().err
        assert f"qwen2 has ended by itself\n  where  {log}\n" in said
        assert said.count("root cause: GPU memory") == 1
    runs.dismiss(tmp_path, "qwen2")
    assert status.seen(tmp_path) == []
    assert capsys.readouterr().err == ""


def test_who_watches_reads_the_log_of_an_end_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks: status.Told = {}
    for started in (1.0, 2.0):
        runs.write(tmp_path, run(container="", process=2**22 + 1, started=started))
        (tmp_path / "qwen2" / runs.LOG).write_text("CUDA runtime error in cudaMalloc(ptr, n): out of memory\n")
        for _ in range(2):
            with told():
                status.seen(tmp_path, looks)
            (tmp_path / "qwen2" / runs.LOG).unlink(missing_ok=True)
            assert "root cause: GPU memory" in capsys.readouterr().err
            assert list(looks) == [("qwen2", started)]
    me = os.getpid()
    runs.write(tmp_path, run(process=me, born=processes.birth(me), container=""))
    status.seen(tmp_path, looks)
    assert not looks


def test_each_record_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getpid()
    for name in ("one", "two"):
        runs.write(tmp_path, run(name=name, process=me, born=processes.birth(me), container="", rehearsal=True))
    read, taken = runs.read, list[str]()

    def noted(folder: Path, name: str) -> Run | None:
        taken.append(name)
        return read(folder, name)

    monkeypatch.setattr(runs, "read", noted)
    assert [server["name"] for server in status.seen(tmp_path)] == taken == ["one", "two"]


def test_a_process_has_memory_and_one_that_is_gone_has_none() -> None:
    assert (processes.memory(os.getpid()) or 0) > 1 << 20
    assert processes.memory(2**22 + 1) is None


def test_watching_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    often = "from recipes import status; status.EVERY = 0.1; from invoke.main import program; program.run()"
    words = (sys.executable, "-c", often, "status", "--watch", "--json")
    environment = {**os.environ, "TRTLLM_WORKSPACE": str(tmp_path)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        for _ in range(2):
            lines = [watching.stdout.readline() for _ in range(4)]
            assert json.loads("".join(lines)) == {"schema": "status/1", "servers": []}
        watching.send_signal(signal.SIGINT)
        assert watching.wait(PATIENCE) == 0


def test_a_damaged_record_is_told_beside_the_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / runs.RECORD).touch()
    me = os.getpid()
    runs.write(tmp_path, run(process=me, born=processes.birth(me), container="", rehearsal=True))
    assert [server["name"] for server in status.seen(tmp_path)] == ["qwen2"]
    said = capfd.readouterr().err
    assert "run.json is not a valid Run" in said
    assert "docker rm --force trtllm-cut" in said
