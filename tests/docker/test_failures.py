"""What goes wrong on a real engine: a clear error each, in time, and nothing half-made left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from environment import container
from environment.container import connect
from environment.docker_errors import DockerTrouble
from environment.layers import Layers
from environment.workspace import PROJECT
from tests.command_line import invoke
from tests.docker.conftest import KEY, LOGIN, RealEngine, Registry, free_port
from tests.docker.faults import Faulty, cut, faulty, silent, slow
from tests.docker.standins import standin
from tests.waiting import PATIENCE, soon

pytestmark = pytest.mark.docker
IMAGE = "nvidia/tritonserver:24.06-trtllm-python-py3"


def ignore(_layers: Layers) -> None:
    pass


@pytest.fixture
def broken(engine: RealEngine, registry: Registry, tmp_path: Path) -> Iterator[Faulty]:
    """A registry ready to misbehave, with an image in it whose one new layer has 12 MB."""
    folder, reference = tmp_path / "ballast", f"{registry.host}/{IMAGE}"
    folder.mkdir()
    folder.joinpath("ballast").write_bytes(os.urandom(12_000_000))
    text = "FROM trtllm-test/busybox:1\nCOPY ballast /ballast\nLABEL io.trtllm.test=ballast\n"
    folder.joinpath("Dockerfile").write_text(text)
    engine.docker("build", "--quiet", "--tag", reference, str(folder))
    engine.docker("push", reference)
    engine.docker("image", "rm", reference)
    engine.docker("builder", "prune", "--force", check=False)  # BuildKit keeps the layer otherwise
    with faulty(registry.port) as server:
        yield server


def pull_fails(real: RealEngine, reference: str, patience: int = 60) -> DockerTrouble:
    """How a pull fails; it leaves no name, no nameless image, no container."""
    engine, before = connect(), (real.everything(), real.dangling())
    with pytest.raises(DockerTrouble) as caught:
        engine.pull(reference, ignore, patience)
    assert engine.image(reference) is None
    assert (real.everything(), real.dangling()) == before
    assert reference in str(caught.value)
    return caught.value


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(DockerTrouble) as caught:
        connect()
    assert caught.value.id == "daemon-absent"


def test_no_permission(engine: RealEngine) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            connect()
        except DockerTrouble as trouble:
            os.write(write, trouble.id.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"daemon-permission"
    os.close(read)


def test_a_hung_engine(engine: RealEngine, daemon: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "ANSWER", 2)
    os.kill(daemon, signal.SIGSTOP)
    try:
        with pytest.raises(DockerTrouble) as caught:
            connect()
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert caught.value.id == "daemon-hung"


def test_an_engine_that_dies_in_the_middle(engine: RealEngine, daemon: int, broken: Faulty) -> None:
    broken.layer = slow
    killed: list[int] = []

    def kill(layers: Layers) -> None:
        if layers.current > 0 and not killed:
            killed.append(daemon)
            os.kill(daemon, signal.SIGKILL)

    with pytest.raises(DockerTrouble) as caught:
        connect().pull(f"{broken.host}/{IMAGE}", kill)
    assert caught.value.id == "daemon-lost", caught.value.why
    assert killed
    subprocess.run([str(Path(__file__).with_name("engine.sh")), "up"], check=True, capture_output=True)
    assert connect().image(f"{broken.host}/{IMAGE}") is None


def test_an_unknown_tag(engine: RealEngine, registry: Registry) -> None:
    assert pull_fails(engine, f"{registry.host}/nvidia/none:1").id == "tag-unknown"


def test_a_closed_port(engine: RealEngine) -> None:
    assert pull_fails(engine, f"127.0.0.1:{free_port()}/nvidia/none:1").id == "refused"


def test_a_name_that_does_not_resolve(engine: RealEngine) -> None:
    assert pull_fails(engine, "no-such-registry.invalid/nvidia/none:1").id in {"dns", "timeout"}


def test_a_web_page_instead_of_a_registry(engine: RealEngine, broken: Faulty) -> None:
    broken.fault = a_page
    assert pull_fails(engine, f"{broken.host}/{IMAGE}").id == "proxy-html"


def test_a_registry_that_fails(engine: RealEngine, broken: Faulty) -> None:
    broken.fault = unwell
    assert pull_fails(engine, f"{broken.host}/{IMAGE}").id == "registry-broken"


def test_a_layer_that_is_cut(engine: RealEngine, broken: Faulty) -> None:
    broken.layer = cut
    assert pull_fails(engine, f"{broken.host}/{IMAGE}").id == "corrupt"


def test_a_layer_that_stalls_is_given_up(engine: RealEngine, broken: Faulty) -> None:
    broken.layer = silent(broken)
    assert pull_fails(engine, f"{broken.host}/{IMAGE}", patience=3).id == "stalled"


def test_a_slow_registry_is_waited_for(engine: RealEngine, broken: Faulty) -> None:
    broken.layer = slow
    seen: list[Layers] = []
    connect().pull(f"{broken.host}/{IMAGE}", seen.append, patience=5)
    assert connect().image(f"{broken.host}/{IMAGE}")
    assert seen[-1].whole == len(seen[-1].layers)


def test_a_private_registry_without_and_with_login(
    engine: RealEngine, private_registry: Registry, tmp_path: Path
) -> None:
    reference = f"{private_registry.host}/{IMAGE}"
    refused = pull_fails(engine, reference)
    assert refused.id == "auth"
    assert refused.mend == f"docker login {private_registry.host}"
    engine.docker("login", private_registry.host, "--username", LOGIN, "--password-stdin", stdin=KEY)
    assert container.credentials(private_registry.host) == (LOGIN, KEY)
    standin(engine, reference, tmp_path / "standin")
    engine.docker("push", reference)
    engine.docker("image", "rm", reference)
    connect().pull(reference, ignore)
    assert connect().image(reference)


FAULTS = {
    "503": (lambda server: setattr(server, "fault", unwell), "the registry itself fails"),
    "a web page": (lambda server: setattr(server, "fault", a_page), "a web page came back"),
    "cut": (lambda server: setattr(server, "layer", cut), "a layer did not arrive whole"),
}


def unwell(path: str) -> tuple[int, bytes] | None:
    return (503, b"") if "manifests" in path else None


def a_page(path: str) -> tuple[int, bytes] | None:
    return (200, b"<html>log in to the network</html>") if "manifests" in path else None


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS)
def test_a_typed_command_ends_with_the_cause_and_leaves_nothing(
    engine: RealEngine, broken: Faulty, tmp_path: Path, fault: Callable[[Faulty], None], said: str
) -> None:
    fault(broken)
    before = (engine.everything(), engine.dangling())
    answer = typed(tmp_path, "image", "--tag", "v0.10.0", "--registry", broken.host, code=1)
    assert said in answer
    assert f"{broken.host}/{IMAGE}" in answer
    assert "Traceback" not in answer
    assert (engine.everything(), engine.dangling()) == before


def test_a_typed_command_tells_an_unknown_tag_a_missing_login_and_a_closed_port_apart(
    engine: RealEngine, registry: Registry, private_registry: Registry, tmp_path: Path
) -> None:
    hosts = {
        registry.host: "the registry has no such image",
        private_registry.host: "the registry wants a login",
        f"127.0.0.1:{free_port()}": "nothing listens where the registry should be",
    }
    before = (engine.everything(), engine.dangling())
    for host, said in hosts.items():
        assert said in typed(tmp_path, "image", "--tag", "v0.10.0", "--registry", host, code=1)
    assert (engine.everything(), engine.dangling()) == before


def test_a_typed_command_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for words in (("image", "--tag", "v0.10.0"), ("image", "--verify", "a:b"), ("lock",)):
        assert "no Docker Engine here" in typed(tmp_path, *words, code=1)


def typed(folder: Path, *words: str, code: int) -> str:
    """What a typed command says."""
    done = invoke(*words, workspace=folder / "workspace")
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_an_interrupt_leaves_nothing(engine: RealEngine, broken: Faulty, tmp_path: Path) -> None:
    arrives = threading.Event()

    def layer(body: bytes) -> Iterator[bytes]:
        arrives.set()
        yield from slow(body)

    broken.layer = layer
    before = engine.everything()
    words = [sys.executable, "-m", "invoke", "image", "--verify", f"{broken.host}/{IMAGE}"]
    environment = {**os.environ, "TRTLLM_WORKSPACE": str(tmp_path / "workspace")}
    process = subprocess.Popen(words, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True)
    assert arrives.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert engine.everything() == before


def test_a_full_disk(engine: RealEngine, broken: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, small = tmp_path / "small", tmp_path / "small.sock"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(data)], check=True)
    words = (f"--host=unix://{small}", f"--data-root={data}", f"--exec-root={tmp_path}/exec")
    with tmp_path.joinpath("dockerd.log").open("wb") as log:
        quiet = ("--bridge=none", "--iptables=false", f"--pidfile={tmp_path}/dockerd.pid")
        process = subprocess.Popen([str(engine.folder / "bin/dockerd"), *words, *quiet], stdout=log, stderr=log)
    try:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{small}")
        wait_for_engine(small)
        assert pull_fails(engine, f"{broken.host}/{IMAGE}").id == "disk"
    finally:
        process.terminate()
        process.wait(20)
        subprocess.run(["umount", "--lazy", str(data)], check=True)


def wait_for_engine(path: Path) -> None:
    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(path)) == 0

    assert soon(answers), "the small engine does not start"
