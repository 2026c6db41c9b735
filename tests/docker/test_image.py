"""From a tag to a verified image, on real engines and a real registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment.container import connect
from environment.errors import Trouble
from environment.image_layout import PROBE, UPSTREAM
from environment.images.choice import choose
from environment.images.making import make
from environment.images.order import Order
from tests.docker.conftest import RealEngine, Registry
from tests.docker.standins import NOTHING, Upstream, standin

pytestmark = pytest.mark.docker
NAME = "trtllm-test:v0.10.0"


def published(engine: RealEngine, registry: Registry, folder: Path, **changes: str) -> str:
    """A stand-in for NVIDIA's container, in the registry and no longer on the engine."""
    reference = f"{registry.host}/nvidia/tritonserver:24.06-trtllm-python-py3"
    standin(engine, reference, folder / "standin", NOTHING, **changes)
    engine.docker("push", reference)
    engine.docker("image", "rm", reference)
    return reference


def order(upstream: Upstream, registry: Registry) -> Order:
    release = upstream.release()
    return Order(release=release, choice=choose(release), name=NAME, registry=registry.host)


def test_a_tag_becomes_a_verified_image(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    published(engine, registry, tmp_path)
    made = make(order(upstream, registry), tmp_path / "workspace")
    said = capfd.readouterr().err
    assert made.new
    assert {finding.name for finding in made.findings if finding.agrees} >= {"tensorrt_llm", "tensorrt", "torch", "mpi"}
    assert made.image.user == "1000:1000"
    assert made.image.labels["org.opencontainers.image.version"] == "v0.10.0"
    assert "sha256:" in said
    files = engine.docker("run", "--rm", "--network=none", NAME, "ls", "-R", str(UPSTREAM))
    assert "config.pbtxt" in files
    assert "convert_checkpoint.py" in files
    assert ".git" not in files
    assert "demo.jpeg" not in files
    probed = json.loads(engine.docker("run", "--rm", "--network=none", NAME, "python3", PROBE))
    assert probed["tensorrt_headers"] == {"/usr/local/tensorrt/include/NvInferVersion.h": "10.0.1.6"}
    assert probed["resolved"]["libmpi.so"] == "/opt/hpcx/ompi/lib/libmpi.so.40"
    assert probed["user"] == "1000:1000"
    again = make(order(upstream, registry), tmp_path / "workspace")
    assert (again.new, again.image.id) == (False, made.image.id)
    assert f"{NAME}-unverified" not in engine.everything()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tensorrt_llm": "0.9.0"}, "tensorrt_llm     claimed 0.10.0, observed 0.9.0"),
        ({"tensorrt_llm": "0.10.0.dev2024050700"}, "observed 0.10.0.dev2024050700"),
        ({"tensorrt_full": "10.0.1.7"}, "tensorrt         claimed 10.0.1.6, observed 10.0.1.7"),
        ({"pal": "usr/lib/x86_64-linux-gnu/openmpi/lib"}, "mpi              claimed one installation, observed two:"),
    ],
)
def test_an_image_that_holds_something_else_gets_no_name(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    reference = published(engine, registry, tmp_path, **changes)
    before = engine.everything()
    with pytest.raises(Trouble) as caught:
        make(order(upstream, registry), tmp_path / "workspace")
    assert said in str(caught.value)
    assert f"docker rmi {reference} " in caught.value.mend
    assert engine.everything() - before <= {reference}


def test_a_wrong_container_is_refused_before_a_layer_is_pulled(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    reference = published(engine, registry, tmp_path, container="24.05", triton="2.46.0")
    with pytest.raises(Trouble) as caught:
        make(order(upstream, registry), tmp_path / "workspace")
    assert "container        claimed 24.06, observed 24.05" in str(caught.value)
    assert connect().image(reference) is None
