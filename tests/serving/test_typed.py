"""`invoke serve qwen2 --tp 4`, exactly as a person types it.

On a real Docker Engine whose NVIDIA runtime stands in, with a driver that answers for four recorded H200s, a hub on
loopback, and an image of the real one's layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from recipes.engine_store import MANIFEST
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.loopback_hub import Files, hub
from tests.serving.conftest import CHEETAH, QUESTION, Host, roomy

pytestmark = pytest.mark.docker
TYPED = ("serve", "qwen2", "--tp", "4")
REVISION = "f2826a00ceef68f0f2b946d945ecc0477ce4450c"
KINDS = (".json", ".safetensors")


@dataclass(frozen=True)
class Workplace:
    """A workspace beside a hub, on a host with GPUs."""

    host: Host
    folder: Path
    endpoint: str

    def typed(self, *words: str, code: int = 0, gpus: int = 4) -> str:
        done = self.host.typed(self.folder, *words, code=code, gpus=gpus, HF_ENDPOINT=self.endpoint)
        return done.stdout + done.stderr


@pytest.fixture
def at(host: Host, image: str, tmp_path: Path) -> Iterator[Workplace]:
    content = {path.name: path.read_bytes() for path in SHIPPED.iterdir() if path.suffix in KINDS}
    files = Files(content, repository="Qwen/Qwen2-7B-Instruct", revision=REVISION)
    with hub(files) as endpoint, roomy(tmp_path) as folder:
        yield Workplace(host, folder, endpoint)


def test_from_nothing_to_tokens_and_back(at: Workplace) -> None:
    said = at.typed(*TYPED)
    assert CHEETAH in said
    assert "there already" not in said
    check_container(at.host)
    check_engine(at.folder)

    assert at.typed("ask", QUESTION).splitlines()[0] == CHEETAH
    (row,) = at.host.status(at.folder)
    assert (row["state"], row["world_size"], row["gpus"], row["restarts"]) == ("ready", 4, "0,1,2,3", 0)
    assert set(row["models"].values()) == {"READY"}
    assert set(row["models"]) == {"ensemble", "preprocessing", "postprocessing", "tensorrt_llm", "tensorrt_llm_bls"}
    assert 20 << 20 < row["memory"] < 4 << 30
    assert (at.folder / "engines" / row["engine"]).is_dir()
    log = at.typed("logs", "--lines", "1000")
    assert [f"rank {rank} of 4 is here" in log for rank in range(4)] == [False, True, True, True]

    again = at.typed(*TYPED)
    assert "is used as it is" in again
    assert CHEETAH in again
    assert "is running with other settings" in at.typed(*TYPED, "--gpus", "3,2,1,0", code=1)

    at.typed("stop")
    assert at.host.left() == ""
    assert "no server is running" in at.typed("status")

    second = at.typed(*TYPED)
    assert CHEETAH in second
    steps = [line for line in second.splitlines() if line.startswith("[")]
    done_again = [line.split("] ", 1)[1].split(" (")[0] for line in steps if "there already" not in line]
    assert done_again == [
        "Preflight",
        "Image trtllm:v0.10.0",
        "Make the workspace",
        "Make the network trtllm-qwen2",
        "Start the server with 4 rank(s)",
        "Wait until the server is ready",
        "Ask the smoke question",
        "Hold its answers against the checkpoint's own",
    ]
    at.typed("stop")


def test_two_servers_side_by_side_have_gpus_and_ports_of_their_own(at: Workplace) -> None:
    at.typed("serve", "qwen2", "--tp", "2", "--no-quality")
    said = at.typed("serve", "qwen2", "--tp", "2", "--gpus", "2,3", "--name", "second", "--question", "Count to ten.")
    assert "one, two, three" in said
    rows = at.host.status(at.folder)
    assert [(row["name"], row["state"], row["gpus"]) for row in rows] == [
        ("qwen2", "ready", "0,1"),
        ("second", "ready", "2,3"),
    ]
    ports = [row[name] for row in rows for name in ("http", "grpc", "metrics")]
    assert len(set(ports)) == len(ports)
    assert f"Listens on        {rows[1]['http']} (HTTP)" in said
    at.typed("stop", "--every")
    assert at.host.left() == ""


def check_container(host: Host) -> None:
    """The server's container is as narrow as it was planned."""
    found = host.inspect("trtllm-qwen2")
    asked = found["HostConfig"]
    assert asked["DeviceRequests"][0]["DeviceIDs"] == ["0", "1", "2", "3"]
    assert asked["CapDrop"] == ["ALL"]
    assert asked["SecurityOpt"] == ["no-new-privileges"]
    assert asked["ShmSize"] == 16 << 30
    assert asked["NetworkMode"] == "trtllm-qwen2"
    assert asked["IpcMode"] == "private"
    assert {limit["Name"]: limit["Soft"] for limit in asked["Ulimits"]} == {"memlock": -1, "stack": 67108864}
    assert {mount["ReadOnly"] for mount in asked["Mounts"]} == {True}
    assert {where["HostIp"] for ways in asked["PortBindings"].values() for where in ways} == {"127.0.0.1"}
    assert asked["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "100m", "max-file": "3"}}
    assert found["Path"] == "mpirun"
    assert "prestart" in host.hooked()


def check_engine(folder: Path) -> None:
    """What was built is verified by the head of each rank's plan."""
    (manifest,) = folder.glob(f"engines/*/{MANIFEST}")
    assert {path.name for path in manifest.parent.glob("rank*.engine")} == {f"rank{rank}.engine" for rank in range(4)}
    assert '"compute": "9.0"' in manifest.read_text()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "NVML does not answer"), (2, "2 GPUs found, 4 needed (tp 4 x pp 1)")],
    ids=["no GPU", "too few GPUs"],
)
def test_a_host_without_enough_gpus_is_refused_before_anything_is_done(at: Workplace, count: int, said: str) -> None:
    refused = at.typed(*TYPED, code=1, gpus=count)
    assert said in refused
    assert "--rehearse" in refused
    assert at.host.left() == ""
    assert not (at.folder / "engines").exists() or not list((at.folder / "engines").iterdir())
