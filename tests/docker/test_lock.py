"""Locks on real engines: the same stack again, and a loud no to anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment.container import connect
from environment.docker_errors import DockerTrouble
from environment.errors import Trouble
from environment.image_layout import UPSTREAM
from environment.images import lock
from environment.images.choice import choose
from environment.images.lock_file import write
from environment.images.making import make
from environment.images.order import Order, pulled
from tests.command_line import invoke
from tests.docker.conftest import RealEngine, Registry
from tests.docker.faults import faulty
from tests.docker.standins import NOTHING, Upstream, standin

pytestmark = pytest.mark.docker
NAME = "trtllm-test:v0.10.0"
CONTAINER = "nvidia/tritonserver:24.06-trtllm-python-py3"
TEMPLATE = "all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt"


def publish(engine: RealEngine, registry: Registry, folder: Path, **changes: str) -> str:
    reference = f"{registry.host}/{CONTAINER}"
    standin(engine, reference, folder, NOTHING, **changes)
    engine.docker("push", reference)
    engine.docker("image", "rm", reference)
    return reference


def test_a_locked_image_is_made_again_although_its_tag_has_moved(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    release, file = upstream.release(), tmp_path / "lock.json"
    order = Order(release=release, choice=choose(release), name=NAME, registry=registry.host)
    reference = publish(engine, registry, tmp_path / "one")
    first = make(order, tmp_path / "workspace")
    locked = lock.taken(NAME, "v0.10.0", tmp_path / "checkpoints")
    write(locked, file)
    lock.refuse_differences(file, NAME, tmp_path / "checkpoints")
    assert locked.base.digest.startswith("sha256:")
    assert locked.observed["tensorrt"] == "10.0.1.6"
    assert "all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt" in locked.upstream

    engine.docker("image", "rm", "--force", NAME, reference)
    publish(engine, registry, tmp_path / "two", tensorrt_full="10.0.1.5")  # the tag has moved
    again = make(lock.pinned(order, file), tmp_path / "workspace")
    assert again.new
    lock.refuse_differences(file, NAME, tmp_path / "checkpoints")
    assert first.image.labels["io.trtllm.identity"] == again.image.labels["io.trtllm.identity"]


def test_another_image_under_the_name_is_refused_with_every_difference(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    file = locked(engine, registry, upstream, tmp_path, NAME)
    put_on(engine, NAME, tmp_path / "other", "tools/x")
    with pytest.raises(Trouble) as caught:
        lock.refuse_differences(file, NAME, tmp_path / "checkpoints")
    assert "2 differences" in str(caught.value)
    assert "upstream tools/x: locked nothing, found " in str(caught.value)
    assert "layers: locked " in str(caught.value)


def test_the_image_is_whole_when_its_base_is_gone_or_its_tag_has_moved(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    file = locked(engine, registry, upstream, tmp_path, NAME)
    reference = f"{registry.host}/{CONTAINER}"
    engine.docker("image", "rm", reference)
    lock.refuse_differences(file, NAME, tmp_path / "checkpoints")
    standin(engine, reference, tmp_path / "moved", NOTHING, tensorrt_full="10.0.1.5")
    lock.refuse_differences(file, NAME, tmp_path / "checkpoints")


def test_serve_refuses_what_is_not_locked_and_says_what_differs(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    """As it is typed; what agrees gets as far as this host's missing GPUs."""
    name, workspace = "trtllm:v0.10.0", tmp_path / "workspace"
    assert connect().image(name) is None, "the tests would take this name away"
    checkpoint = workspace / "checkpoints" / "qwen2"
    fetched = {"repository": "Qwen/Qwen2-7B-Instruct", "revision": "f2826a0", "sha256": {"config.json": "aa"}}
    checkpoint.mkdir(parents=True)
    checkpoint.joinpath("sha256.json").write_text(json.dumps(fetched))
    checkpoint.joinpath("config.json").write_text("{}")
    file = locked(engine, registry, upstream, tmp_path, name)

    def served() -> str:
        words = ("serve", "qwen2", "--tag", "v0.10.0", "--locked")
        done = invoke(*words, workspace=workspace, TRTLLM_LOCK=str(file))
        assert done.returncode == 1, done.stderr
        return done.stdout + done.stderr

    assert "locks" not in served()

    checkpoint.joinpath("config.json").write_text("{ }")
    assert "Qwen/Qwen2-7B-Instruct@f2826a0 config.json: locked 44136fa355b3678a1146ad16f7e8649e94fb4f" in served()
    checkpoint.joinpath("config.json").write_text("{}")

    put_on(engine, name, tmp_path / "other", TEMPLATE)
    said = served()
    assert f"{name} is not what lock.json locks: 2 differences" in said
    assert f"upstream {TEMPLATE}: locked " in said
    assert f"docker rmi {name} && invoke image --tag v0.10.0 --from ngc --locked" in said
    assert not list(workspace.glob("engines/*"))


def locked(engine: RealEngine, registry: Registry, upstream: Upstream, folder: Path, name: str) -> Path:
    """The file that locks an image of this name, made from a stand-in at the registry."""
    release, file = upstream.release(), folder / "lock.json"
    publish(engine, registry, folder / "one")
    order = Order(release=release, choice=choose(release), name=name, registry=registry.host)
    make(order, folder / "made")
    write(lock.taken(name, "v0.10.0", folder / "workspace/checkpoints"), file)
    return file


def put_on(engine: RealEngine, name: str, folder: Path, path: str) -> None:
    """Another image under the name: the old one, and one of upstream's files changed."""
    folder.mkdir()
    folder.joinpath("x").write_text("changed")
    folder.joinpath("Dockerfile").write_text(f"FROM {name}\nCOPY x {UPSTREAM}/{path}\n")
    engine.docker("build", "--quiet", "--tag", name, str(folder))


def test_a_digest_that_changes_between_look_and_pull_is_never_silent(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    publish(engine, registry, tmp_path / "one")
    release = upstream.release()
    with faulty(registry.port) as between:
        seen: list[str] = []

        def swap(path: str) -> None:
            seen.append(path)
            if "/blobs/" in path and len(seen) == 2:  # after the manifest and its configuration were looked at
                publish(engine, registry, tmp_path / "two", tensorrt_full="10.0.1.5")

        between.fault = swap
        order = Order(release=release, choice=choose(release), name=NAME, registry=between.host)
        with pytest.raises(DockerTrouble) as caught:
            make(order, tmp_path / "workspace")
    assert caught.value.id == "digest-changed"
    assert connect().image(NAME) is None
    assert connect().image(pulled(order)[0]) is None
    assert pulled(order)[0] in str(caught.value)
