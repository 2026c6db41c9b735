"""The way of `invoke serve qwen2 --tp 4` on a real Docker Engine: only the GPUs and what runs on them stand in."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from environment.errors import Trouble
from environment.plan import Plan
from recipes import runs
from recipes.container_runs import carry_out_watched
from recipes.deployment import Deployment
from recipes.rehearsal.container.serving import without_tensorrt
from recipes.serve import plan
from tests.serving.conftest import Host, deployed, invoke, with_image

pytestmark = pytest.mark.docker
CHEETAH = "陆地上最快的动物是猎豹🐆,时速可达120公里。"


def soon(true: Callable[[], bool], within: float = 30) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.2)
    return False


def test_the_plan_for_four_gpus_is_carried_out_word_by_word(host: Host, tmp_path: Path) -> None:
    deployment = with_image(host, deployed(tmp_path, tp=4))
    whole = plan(deployment, f"{os.getuid()}:{os.getgid()}")
    # What judges a real host, image and engine has tests of its own.
    here = without_tensorrt(whole)
    carry_out_watched(here, deployment, deployment.workspace.runs, rehearsal=False)

    engine = Path(deployment.engine_dir)
    assert {path.name for path in engine.glob("rank*.engine")} == {f"rank{rank}.engine" for rank in range(4)}
    found = host.inspect("trtllm-qwen2")
    asked = found["HostConfig"]
    assert asked["DeviceRequests"][0]["DeviceIDs"] == ["0", "1", "2", "3"]
    assert asked["CapDrop"] == ["ALL"]
    assert asked["SecurityOpt"] == ["no-new-privileges"]
    assert asked["ShmSize"] == 16 << 30
    assert {limit["Name"]: limit["Soft"] for limit in asked["Ulimits"]} == {"memlock": -1, "stack": 67108864}
    assert {mount["ReadOnly"] for mount in asked["Mounts"]} == {True}
    assert {where["HostIp"] for ways in asked["PortBindings"].values() for where in ways} == {"127.0.0.1"}
    assert found["Path"] == "mpirun"
    assert "prestart" in host.hooked()

    log = invoke(tmp_path, "logs", "--lines", "1000").stdout
    assert [f"rank {rank} of 4 is here" in log for rank in range(4)] == [False, True, True, True]
    assert invoke(tmp_path, "ask", "陆地上最快的动物是什么?").stdout.strip() == CHEETAH
    (row,) = json.loads(invoke(tmp_path, "status", "--json").stdout)["servers"]
    assert (row["state"], row["world_size"], row["gpus"]) == ("ready", 4, "0,1,2,3")
    assert row["engine"] == deployment.engine_name
    assert "is running already" in refused(here, deployment)

    invoke(tmp_path, "stop")
    assert host.docker("ps", "--all", "--quiet") == ""
    assert "no server is running" in invoke(tmp_path, "status").stdout


def refused(here: Plan, deployment: Deployment) -> str:
    with pytest.raises(Trouble) as caught:
        carry_out_watched(here, deployment, deployment.workspace.runs, rehearsal=False)
    return str(caught.value)


def test_two_rehearsals_side_by_side_as_a_person_types_them(host: Host, tmp_path: Path) -> None:
    for name in ("one", "two"):
        ports = deployed(tmp_path).ports
        words = ("--http-port", str(ports.http), "--grpc-port", str(ports.grpc), "--metrics-port", str(ports.metrics))
        done = invoke(tmp_path, "serve", "qwen2", "--rehearse", "--in-container", "--name", name, *words)
        assert CHEETAH in done.stdout
    assert [row["state"] for row in json.loads(invoke(tmp_path, "status", "--json").stdout)["servers"]] == ["ready"] * 2
    for name in ("one", "two"):
        assert invoke(tmp_path, "ask", "陆地上最快的动物是什么?", "--name", name).stdout.strip() == CHEETAH
    # A server that is killed is told, and stopped like any other; its neighbour goes on.
    os.kill(host.inspect("trtllm-one")["State"]["Pid"], signal.SIGKILL)
    assert soon(lambda: "exited with code 137" in invoke(tmp_path, "status").stdout)
    assert "no Triton answers" in invoke(tmp_path, "ask", "hi", "--name", "one", code=1).stderr
    assert invoke(tmp_path, "ask", "陆地上最快的动物是什么?", "--name", "two").stdout.strip() == CHEETAH
    invoke(tmp_path, "stop", "--every")
    assert host.docker("ps", "--all", "--quiet") == ""


def test_a_server_with_a_restart_policy_comes_back_and_answers(host: Host, tmp_path: Path) -> None:
    ports = deployed(tmp_path).ports
    words = ("--http-port", str(ports.http), "--grpc-port", str(ports.grpc), "--metrics-port", str(ports.metrics))
    invoke(tmp_path, "serve", "qwen2", "--rehearse", "--in-container", "--restart", "unless-stopped", *words)
    before = host.inspect("trtllm-qwen2")["State"]["Pid"]
    os.kill(before, signal.SIGKILL)
    assert soon(lambda: host.inspect("trtllm-qwen2")["State"]["Pid"] not in (0, before))
    assert soon(lambda: "ready" in invoke(tmp_path, "status").stdout)
    assert invoke(tmp_path, "ask", "陆地上最快的动物是什么?").stdout.strip() == CHEETAH
    invoke(tmp_path, "stop")
    assert runs.recorded(tmp_path / "runs") == []


def test_a_broken_repository_leaves_its_log_and_no_server(host: Host, tmp_path: Path) -> None:
    ports = deployed(tmp_path).ports
    words = ("--http-port", str(ports.http), "--grpc-port", str(ports.grpc), "--metrics-port", str(ports.metrics))
    serve = ("serve", "qwen2", "--rehearse", "--in-container", *words)
    invoke(tmp_path, *serve)
    invoke(tmp_path, "stop")
    for config in tmp_path.glob("in-container/repositories/*/preprocessing/config.pbtxt"):
        config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: ${broken}"))
    said = invoke(tmp_path, *serve, code=1).stderr
    assert "ended before it was ready" in said
    assert "Expected integer" in (next(tmp_path.glob("runs/qwen2/steps/*-curl.log"))).read_text()
    assert host.docker("ps", "--all", "--quiet") == ""
    assert "no server is running" in invoke(tmp_path, "status").stdout


def test_a_stand_in_tool_refuses_what_the_release_refuses(host: Host, tmp_path: Path) -> None:
    deployment = with_image(host, deployed(tmp_path))
    run = ("run", "--rm", deployment.image)
    said = host.docker(*run, "sh", "-c", "trtllm-build --checkpoint_dir x --max_batch_sise 4 2>&1; echo code $?")
    assert "--max_batch_sise" in said
    assert said.endswith("code 2")
