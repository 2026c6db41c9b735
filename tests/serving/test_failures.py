"""What can go wrong with a server in a container, on real parts: each is told with its code, and nothing is left."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doctor.ending import told
from environment.artifacts.plan_heads import head
from environment.docker_errors import DockerTrouble
from environment.docker_run import launch
from environment.errors import Trouble
from environment.plan import Step
from recipes import chosen, container_runs, running, runs, server_container, status
from recipes.container_runs import carry_out_watched
from recipes.crash import Crashed
from recipes.deployment import Deployment
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.runs import Run
from tests.serving.conftest import QUESTION, Host, planned
from tests.waiting import soon

pytestmark = pytest.mark.docker
ASKS = Step(title="Ask it", tool="invoke", argv=("./inv", "ask"))


def start(deployment: Deployment, user: str = "") -> None:
    """The plan from the start of the server on."""
    last = planned(deployment, start=True, user=user)
    carry_out_watched(last, deployment, deployment.workspace.runs, rehearsal=False)


@contextmanager
def nothing_left(host: Host, deployment: Deployment) -> Iterator[None]:
    yield
    assert host.left() == ""
    assert list(runs.each(deployment.workspace.runs)) == []


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def test_a_port_that_is_taken_after_it_was_looked_at(host: Host, built: Deployment) -> None:
    taken = socket.create_server(("127.0.0.1", built.ports.grpc))
    with nothing_left(host, built), taken, pytest.raises(DockerTrouble, match="the port is taken") as caught:
        start(built)
    assert str(built.ports.grpc) in caught.value.why
    assert "ss -ltnp" in caught.value.mend


def test_a_network_of_that_name_that_is_somebody_elses(host: Host, built: Deployment) -> None:
    host.docker("network", "create", "trtllm-qwen2")
    with pytest.raises(Trouble, match="there is a network trtllm-qwen2 that was not made here") as caught:
        start(built)
    assert "docker network rm trtllm-qwen2" in caught.value.mend
    assert host.left() == "trtllm-qwen2"
    assert list(runs.each(built.workspace.runs)) == []


def test_an_image_that_is_gone(host: Host, built: Deployment) -> None:
    host.docker("tag", built.image, "kept-for-the-test:1")
    host.docker("rmi", built.image)
    try:
        with nothing_left(host, built), pytest.raises(DockerTrouble, match="no such image on this engine") as caught:
            start(built)
        assert "invoke image --tag" in caught.value.mend
    finally:
        host.docker("tag", "kept-for-the-test:1", built.image)
        host.docker("rmi", "kept-for-the-test:1")


def test_an_engine_of_another_release(host: Host, built: Deployment) -> None:
    rank = Path(built.engine_dir) / "rank1.engine"
    other = changed(rank, head((9, 2, 0, 5), (9, 0)))
    with nothing_left(host, built), other, pytest.raises(Trouble) as caught:
        start(built)
    assert "rank1.engine was built by TensorRT 9.2.0.5, the release has 10.0.1.6" in caught.value.what


def test_a_damaged_model_repository(host: Host, built: Deployment) -> None:
    (config,) = built.workspace.repositories.glob("*/preprocessing/config.pbtxt")
    broken = config.read_bytes().replace(b"max_batch_size: 8", b"max_batch_size: ${broken}")
    with nothing_left(host, built), changed(config, broken), pytest.raises(Trouble) as caught:
        start(built)
    assert "ended before it was ready: exited with code" in caught.value.what
    assert caught.value.log is not None
    assert "Expected integer" in caught.value.log.read_text()
    assert f"rm -r {config.parents[1]}" in caught.value.mend


def test_a_disk_that_is_full(host: Host, built: Deployment, tmp_path: Path) -> None:
    words = ("--tp", "2", "--compute", "9.0", "--model-dir", str(built.model_dir), *ports(built))
    tmp_path.joinpath("runs").mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=4k", "none", str(tmp_path / "runs")), check=True)
    try:
        said = host.typed(tmp_path, "serve", "qwen2", *words, code=1).stderr
    finally:
        subprocess.run(("umount", str(tmp_path / "runs")), check=True)
    assert "there is no room to write: No space left on device" in said
    assert host.left() == ""


def test_stop_removes_the_network_of_a_server_that_never_came_to_be(host: Host, built: Deployment) -> None:
    """So it is after a power cut between the two; the networks of others stay."""
    (words,) = (step.argv for step in planned(built, start=True).steps if step.tool == "network")
    host.docker(*words[1:])
    host.docker("network", "create", "another")
    assert "the network trtllm-qwen2 was left of a start" in host.typed(built.workspace.root, "stop", code=1).stderr
    assert host.left() == "another"


def test_a_server_of_an_ordinary_user_that_takes_too_much_memory(host: Host, built: Deployment) -> None:
    folder = built.workspace.root
    start(built, user="1000:1000")
    process = host.inspect("trtllm-qwen2")["State"]["Pid"]
    may = dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    assert (may["Uid"].split()[0], may["NoNewPrivs"]) == ("1000", "1")
    assert int(may["CapEff"], 16) == int(may["CapBnd"], 16) == 0

    host.docker("update", "--memory", "512m", "--memory-swap", "512m", "trtllm-qwen2")
    (row,) = host.status(folder)
    assert (row["state"], row["memory_limit"]) == ("ready", 512 << 20)
    eater = eat_memory(process)
    assert soon(lambda: "out of memory" in host.status(folder)[0]["state"])
    eater.kill()
    eater.wait()
    said = host.typed(folder, "ask", QUESTION, code=1).stderr
    assert "out of memory" in said
    host.typed(folder, "stop")
    assert host.left() == ""


def eat_memory(process: int) -> subprocess.Popen[bytes]:
    """A process that takes all the memory of that one's container, whose own processes the kernel then kills first."""
    lines = Path(f"/proc/{process}/cgroup").read_text().splitlines()
    paths = {kinds: path for _, kinds, path in (line.split(":", 2) for line in lines)}
    place = f"memory{paths['memory']}" if "memory" in paths else paths[""]  # cgroup v1, v2
    group = Path(f"/sys/fs/cgroup/{place}/cgroup.procs")
    for number in group.read_text().split():
        Path(f"/proc/{number}/oom_score_adj").write_text("1000")
    join = f"open('{group}', 'w').write(str(os.getpid()))"
    return subprocess.Popen(("python3", "-c", f"import os; {join}; [bytearray(1 << 20) for _ in range(2048)]"))


def test_a_server_that_ignores_the_request_is_killed_and_removed(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_container, "STOPPED_WITHIN", 1)
    deaf = ("sh", "-c", "trap '' TERM; sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 1; done' & wait; sleep 600")
    host.docker("run", "--detach", "--init", "--name", "trtllm-deaf", "trtllm-test/mpi:1", *deaf)
    assert soon(lambda: host.docker("logs", "trtllm-deaf") == "deaf")
    process = host.inspect("trtllm-deaf")["State"]["Pid"]
    server = recorded("trtllm-deaf")
    runs.write(tmp_path, server)
    began = time.monotonic()
    running.stop(tmp_path, server)
    assert time.monotonic() - began >= 1
    assert host.left() == ""
    assert not Path(f"/proc/{process}").exists()
    assert list(runs.each(tmp_path)) == []


@pytest.mark.parametrize("left", [True, False])
def test_a_container_that_ended_by_itself_is_told_with_its_log(
    host: Host, tmp_path: Path, left: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = "[TensorRT-LLM][ERROR] CUDA runtime error in cudaMalloc(ptr, n): out of memory"
    host.docker(
        "run", "--name", "trtllm-deaf", "trtllm-test/mpi:1", "sh", "-c", f"echo '{fault}' >&2; exit 134", check=False
    )
    runs.write(tmp_path, recorded("trtllm-deaf"))
    if not left:
        host.docker("rm", "trtllm-deaf")
    question = ("./inv", "ask", QUESTION, "--url", "127.0.0.1:2", "--model", "ensemble", "--model-dir", str(SHIPPED))
    with pytest.raises(Crashed, match="deaf"):
        container_runs.here_or_host(question, ASKS, tmp_path / "step.log", folder=tmp_path, name="deaf")
    with pytest.raises(Crashed) as caught:
        chosen.answering(tmp_path, "deaf")
    if left:
        assert "the server 'deaf' does not run: its container exited with code 134" in str(caught.value)
        assert caught.value.log == tmp_path / "deaf" / runs.LOG
        assert fault in caught.value.log.read_text()
        looks: status.Told = {}
        for _ in range(2):
            with told():
                assert [row["state"] for row in status.seen(tmp_path, looks)] == ["exited with code 134"]
            assert "root cause: GPU memory" in capsys.readouterr().err
        assert len(looks) == 1
        running.stop(tmp_path, recorded("trtllm-deaf"))
    else:
        assert "deaf has ended by itself" in str(caught.value)
        assert caught.value.log is None
    assert host.left() == ""


def test_a_server_is_recorded_before_it_runs(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that Docker starts again after a power cut is one that `status` knows and `stop` ends."""
    words = ("docker", "run", "--detach", "--restart", "always", "--name", "trtllm-deaf", "trtllm-test/mpi:1", "true")
    write, states = runs.write, []

    def noted(folder: Path, server: Run) -> None:
        states.append(host.inspect("trtllm-deaf")["State"]["Status"])
        write(folder, server)

    monkeypatch.setattr(runs, "write", noted)
    container_runs.start_server(launch(words), recorded("trtllm-deaf"), tmp_path)
    assert states == ["created"]
    running.stop(tmp_path, chosen.choose(tmp_path, "deaf"))
    assert host.left() == ""


def test_a_server_that_cannot_be_recorded_or_started_leaves_nothing(host: Host, tmp_path: Path) -> None:
    words = ("docker", "run", "--detach", "--name", "trtllm-deaf", "trtllm-test/mpi:1")
    with pytest.raises(Trouble, match="no-such-program"):
        container_runs.start_server(launch((*words, "no-such-program")), recorded("trtllm-deaf"), tmp_path)
    assert (host.left(), list(runs.each(tmp_path))) == ("", [])
    (tmp_path / "deaf" / runs.RECORD).mkdir()
    with pytest.raises(OSError, match="directory"):
        container_runs.start_server(launch((*words, "true")), recorded("trtllm-deaf"), tmp_path)
    assert host.left() == ""


def recorded(container: str) -> Run:
    """The record of a server that nobody can ask."""
    return Run(
        name="deaf",
        recipe="qwen2",
        release="v0.10.0",
        rehearsal=False,
        process=0,
        started=time.time(),
        container=container,
        http=1,
        grpc=2,
        metrics=3,
        model="ensemble",
        tokenizer="/t",
    )


def ports(deployment: Deployment) -> tuple[str, ...]:
    return tuple(
        word
        for name in ("http", "grpc", "metrics")
        for word in (f"--{name}-port", str(getattr(deployment.ports, name)))
    )
