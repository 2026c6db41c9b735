"""Servers in containers on a real Docker Engine: how they live, what they let in, and what becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recipes import chosen, client
from recipes.client import Question, Unreachable
from recipes.deployment import Deployment
from recipes.front import BLS, ENSEMBLE
from recipes.prompt import prompt
from recipes.rehearsal.checkpoint import SHIPPED
from tests.serving.conftest import CHEETAH, QUESTION, Host, port_words
from tests.waiting import soon

pytestmark = pytest.mark.docker
REHEARSED = ("serve", "qwen2", "--rehearse", "--in-container")
OPTIONS = ("--gpus", "3,1", "--name", "other", "--restart", "on-failure:3", "--expose")


@pytest.fixture
def server(host: Host, built: Deployment, tmp_path: Path) -> Iterator[Host]:
    """A server of two ranks, typed with every option; `other` is its name."""
    (tmp_path / "env").write_text("GREETING=hello\n")
    words = (*OPTIONS, "--env-file", str(tmp_path / "env"), "--model-dir", str(SHIPPED), *port_words())
    folder = built.workspace.root
    said = host.typed(folder, "serve", "qwen2", "--tp", "2", *words)
    assert "on every address of this host: anyone who reaches this host can use the model" in said.stderr
    assert "loaded tensorrt_llm" in said.stderr
    yield host
    host.typed(folder, "stop", "--every")
    assert host.left() == ""


def test_a_server_is_what_it_was_asked_to_be_and_gives_whole_characters(server: Host, built: Deployment) -> None:
    folder = built.workspace.root
    found = server.inspect("trtllm-other")
    asked = found["HostConfig"]
    assert asked["DeviceRequests"][0]["DeviceIDs"] == ["3", "1"]
    assert asked["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert {where["HostIp"] for ways in asked["PortBindings"].values() for where in ways} == {"0.0.0.0"}  # noqa: S104 - what --expose asks for
    assert "GREETING=hello" in found["Config"]["Env"]

    run = chosen.choose(folder / "runs", "other")
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{run.metrics}/metrics").read().decode()
    assert 'nv_inference_request_success{model="tensorrt_llm_bls"' in metrics
    unload = f"http://127.0.0.1:{run.http}/v2/repository/models/ensemble/unload"
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:  # model control is off
        urllib.request.urlopen(unload, data=b"{}")
    assert b"not allowed" in refused.value.read()

    text = prompt(QUESTION, SHIPPED)
    assert run.model == BLS
    pieces = list(client.ask(run.address, Question(prompt=text, model=BLS, accumulates=True)))
    assert "".join(pieces) == CHEETAH
    assert len(pieces) > 10
    # What a client of `ensemble` sees, here as on a real server: a character that is split over tokens is lost.
    assert "🐆" not in "".join(client.ask(run.address, Question(prompt=text, model=ENSEMBLE)))
    with ThreadPoolExecutor(8) as pool:
        asked_at_once = [pool.submit(whole, run.address, text) for _ in range(16)]
        assert {answer.result() for answer in asked_at_once} == {CHEETAH}

    # It is killed in the middle of an answer: its client is told, and Docker starts it again.
    long = Question(prompt=text, model=BLS, accumulates=True, min_tokens=900, max_tokens=900)
    answer = client.ask(run.address, long)
    next(answer)
    os.kill(found["State"]["Pid"], signal.SIGKILL)
    with pytest.raises(Unreachable, match="no Triton answers"):
        list(answer)
    assert soon(lambda: [(row["state"], row["restarts"]) for row in server.status(folder)] == [("ready", 1)])
    assert server.typed(folder, "ask", QUESTION).stdout.strip() == CHEETAH


CONNECT = """import socket, sys
for address in sys.argv[1:]:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
        print("reached", address)
    except TimeoutError:
        print("nothing from", address)
"""


def test_no_other_container_reaches_a_server_and_it_reaches_none(server: Host) -> None:
    """From a network made here, and not from the default bridge: another engine that starts on this machine, as those
    of tests/docker do, flushes the rules that keep this engine's older networks apart.
    """
    (network,) = server.inspect("trtllm-other")["NetworkSettings"]["Networks"].values()
    ports = [f"{network['IPAddress']}:{port}" for port in (8000, 8001, 8002)]
    listening = ("trtllm-test/mpi:1", "python3", "-m", "http.server", "8000")
    server.docker("network", "create", "elsewhere")
    try:
        for name, where in (("beside", "elsewhere"), ("bridged", "elsewhere"), ("inside", "trtllm-other")):
            server.docker("run", "--detach", "--init", "--name", name, "--network", where, *listening)
        beside = f"{server.inspect('beside')['NetworkSettings']['Networks']['elsewhere']['IPAddress']}:8000"
        assert soon(lambda: reached(server, "bridged", beside) == f"reached {beside}"), "the bridge itself"
        assert reached(server, "trtllm-other", "127.0.0.1:8000") == "reached 127.0.0.1:8000"
        silence = "\n".join(f"nothing from {port}" for port in ports)
        assert [reached(server, name, *ports) for name in ("bridged", "inside")] == [silence, silence]
        assert reached(server, "trtllm-other", beside) == f"nothing from {beside}"
    finally:
        server.docker("rm", "--force", "beside", "bridged", "inside")
        server.docker("network", "rm", "elsewhere")


def reached(host: Host, container: str, *addresses: str) -> str:
    """What connections from the container's network came to."""
    inside = ("nsenter", "--net", "--target", str(host.inspect(container)["State"]["Pid"]))
    words = (*inside, sys.executable, "-c", CONNECT, *addresses)
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


def whole(address: str, text: str) -> str:
    return "".join(client.ask(address, Question(prompt=text, model=BLS, accumulates=True)))


def test_two_servers_outlive_their_engine_each_in_its_way(host: Host, tmp_path: Path) -> None:
    for name, words in (("kept", ("--restart", "unless-stopped")), ("left", ())):
        said = host.typed(tmp_path, *REHEARSED, "--name", name, *words, *port_words())
        assert CHEETAH in said.stdout
    rows = {row["name"]: row for row in host.status(tmp_path)}
    assert [rows[name]["state"] for name in ("kept", "left")] == ["ready"] * 2

    with host.engine_down():
        states = {row["name"]: row["state"] for row in host.status(tmp_path)}
        assert {state.startswith("unknown: connecting to the Docker Engine") for state in states.values()} == {True}
        assert "connecting to the Docker Engine" in host.typed(tmp_path, "stop", "--name", "left", code=1).stderr
    assert soon(lambda: {row["name"]: row["state"] for row in host.status(tmp_path)}.get("kept") == "ready")
    rows = {row["name"]: row for row in host.status(tmp_path)}
    assert rows["left"]["state"].startswith("exited with code")
    assert (rows["left"]["up"], rows["left"]["memory"]) == (None, None)
    assert host.typed(tmp_path, "ask", QUESTION, "--name", "kept").stdout.strip() == CHEETAH
    assert "exited with code" in host.typed(tmp_path, "ask", QUESTION, "--name", "left", code=1).stderr

    # One that somebody else has removed is told of once; the other is stopped, and nothing is left.
    host.docker("rm", "--force", "trtllm-left")
    told = host.typed(tmp_path, "status")
    assert "left has ended by itself" in told.stderr
    assert [row["name"] for row in host.status(tmp_path)] == ["kept"]
    host.typed(tmp_path, "stop")
    assert host.left() == ""
    assert "no server is running" in host.typed(tmp_path, "status").stdout


def test_a_stand_in_tool_refuses_what_the_release_refuses(host: Host, image: str) -> None:
    run = ("run", "--rm", image)
    said = host.docker(*run, "sh", "-c", "trtllm-build --checkpoint_dir x --max_batch_sise 4 2>&1; echo code $?")
    assert "--max_batch_sise" in said
    assert said.endswith("code 2")
