import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke import Exit

from doctor.ending import told
from environment.errors import Trouble
from environment.plan import Step
from recipes.ports import free_ports
from recipes.waiting import missing, until_ready

STEP = Step(title="Wait until the server is ready", tool="curl", argv=("curl", "http://127.0.0.1"))
MESSAGE = "Assertion failed: mpiSize == tp * pp (/app/worldConfig.cpp:80)"
RUNNING, EXITED = "true 0 running 0 false", "false 0 exited 134 false"
DOCKER = """#!/bin/sh
case "$1 $2" in
"inspect --format") [ "$4" = trtllm-qwen2 ] || exit 1; echo {state} ;;
"logs --follow") [ "$3" = trtllm-qwen2 ] || exit 1; echo '[TensorRT-LLM][ERROR] {message}' >&2 ;;
*) echo "this Docker was not told of: $*" >&2; exit 64 ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "docker"


def says(docker: Path, *, state: str) -> None:
    """As `docker inspect --format` does: running, restarts, status, exit code, whether memory ran out."""
    docker.write_text(DOCKER.format(state=state, message=MESSAGE), encoding="utf-8")
    docker.chmod(0o755)


@pytest.fixture
def port() -> int:
    (number,) = free_ports(1, start=18700)
    return number


@pytest.fixture
def ready_port() -> Iterator[int]:
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v2/health/ready" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_container_that_ended_is_noticed_at_once_and_its_log_kept(docker: Path, port: int, tmp_path: Path) -> None:
    says(docker, state=EXITED)
    with pytest.raises(Trouble, match="ended before it was ready: exited with code 134") as caught:
        until_ready("trtllm-qwen2", port, 60, repository="/srv/repository")((), STEP, tmp_path / "step.log")
    assert caught.value.mend.endswith("rm -r /srv/repository")
    assert caught.value.log == tmp_path / "step.log"
    assert MESSAGE in (tmp_path / "step.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("state", "said"),
    [("false 0 exited 137 true", "exited with code 137, out of memory"), ("true 2 restarting 1 false", "restarting")],
)
def test_how_it_ended_is_told_also_when_docker_starts_it_again(
    docker: Path, port: int, tmp_path: Path, state: str, said: str
) -> None:
    says(docker, state=state)
    with pytest.raises(Trouble, match=said):
        until_ready("trtllm-qwen2", port, 60)((), STEP, tmp_path / "step.log")


def test_what_is_missing_is_named() -> None:
    assert missing(("a", "b", "c"), ["b"]) == "a, c"
    assert missing((), []) == "the server's word that it is ready"


def test_a_container_that_never_becomes_ready_is_given_up(docker: Path, port: int, tmp_path: Path) -> None:
    says(docker, state=RUNNING)
    with pytest.raises(Trouble, match="was not ready within 0 s"):
        until_ready("trtllm-qwen2", port, 0)((), STEP, tmp_path / "step.log")


def test_a_container_that_does_not_exist_is_no_server(docker: Path, port: int, tmp_path: Path) -> None:
    says(docker, state=RUNNING)
    with pytest.raises(Trouble, match="ended before"):
        until_ready("trtllm-other", port, 60)((), STEP, tmp_path / "step.log")


def test_a_server_that_answers_is_ready(docker: Path, ready_port: int, tmp_path: Path) -> None:
    docker.write_text("#!/bin/sh\nexit 64\n", encoding="utf-8")
    until_ready("trtllm-qwen2", ready_port, 60)((), STEP, tmp_path / "step.log")


def test_the_person_is_told_the_cause(docker: Path, port: int, tmp_path: Path) -> None:
    says(docker, state=EXITED)
    with pytest.raises(Exit) as caught, told():
        until_ready("trtllm-qwen2", port, 60)((), STEP, tmp_path / "step.log")
    assert "root cause: Number of MPI ranks is not tp*pp" in str(caught.value.message)
