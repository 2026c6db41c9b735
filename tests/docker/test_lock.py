"""Locks on real engines: the same stack again, and a loud no to anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.container import connect
from environment.docker_errors import DockerTrouble
from environment.errors import Trouble
from environment.images import lock
from environment.images.choice import choose
from environment.images.making import make
from environment.images.order import Order, pulled
from tests.docker.conftest import RealEngine, Registry
from tests.docker.faults import faulty
from tests.docker.standins import NOTHING, Upstream, standin

pytestmark = pytest.mark.docker
NAME = "trtllm-test:v0.10.0"


def publish(engine: RealEngine, registry: Registry, folder: Path, **changes: str) -> str:
    reference = f"{registry.host}/nvidia/tritonserver:24.06-trtllm-python-py3"
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
    locked = lock.taken(NAME, tmp_path / "checkpoints")
    lock.write(locked, file)
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
    release, file = upstream.release(), tmp_path / "lock.json"
    publish(engine, registry, tmp_path / "one")
    make(Order(release=release, choice=choose(release), name=NAME, registry=registry.host), tmp_path / "workspace")
    lock.write(lock.taken(NAME, tmp_path / "checkpoints"), file)
    folder = tmp_path / "other"
    folder.mkdir()
    folder.joinpath("x").write_text("changed")
    folder.joinpath("Dockerfile").write_text(f"FROM {NAME}\nCOPY x /opt/trtllm/upstream/tools/x\n")
    engine.docker("build", "--quiet", "--tag", NAME, str(folder))
    with pytest.raises(Trouble) as caught:
        lock.refuse_differences(file, NAME, tmp_path / "checkpoints")
    assert "1 differences" in str(caught.value)
    assert "upstream tools/x: locked nothing, found " in str(caught.value)


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
