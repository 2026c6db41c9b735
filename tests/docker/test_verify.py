"""`invoke image --verify` of images that hang, talk, lie: an error that is true, and nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from environment.container import connect
from environment.docker_errors import DockerTrouble
from environment.images.choice import choose
from environment.images.inspection import inspect
from environment.images.making import Made, make
from environment.images.order import Order
from environment.workspace import PROJECT
from tests.docker.conftest import RealEngine, Registry
from tests.docker.standins import Upstream
from tests.docker.test_image import published
from tests.waiting import PATIENCE, soon

pytestmark = pytest.mark.docker
NAME = "trtllm-test/strange:1"
HANGS = "exec sleep 1000"
TALKS = "yes 0123456789012345678901234567890123456789 | head -c 20000000"


def strange(engine: RealEngine, folder: Path, python: str) -> str:
    """An image whose python3 is something else."""
    folder.mkdir()
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\n{python}\n")
    program.chmod(0o755)
    text = "FROM trtllm-test/busybox:1\nCOPY python3 /bin/python3\nLABEL io.trtllm.test=strange\n"
    folder.joinpath("Dockerfile").write_text(text)
    engine.docker("build", "--quiet", "--tag", NAME, str(folder))
    return NAME


@pytest.mark.parametrize("numbers", [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT, signal.SIGINT)])
def test_an_end_from_outside_leaves_no_container(
    engine: RealEngine, tmp_path: Path, numbers: tuple[signal.Signals, ...]
) -> None:
    image = strange(engine, tmp_path / "image", HANGS)
    words = [sys.executable, "-m", "invoke", "image", "--verify", image]
    process = subprocess.Popen(words, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    assert soon(lambda: engine.docker("ps", "--quiet") != "")
    for number in numbers:
        process.send_signal(number)
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130, said
    assert engine.docker("ps", "--all", "--quiet") == ""


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (TALKS, "it says more than 16 MB, given up"),
        ('echo \'{"schema": "probe/1"}\'', f"python3 in {NAME} does not say what the probe asks"),
        ("echo no", f"python3 in {NAME} does not say what the probe asks"),
        ("exit 3", f"the probe could not look into {NAME}: exit code 3"),
    ],
)
def test_what_an_image_says_is_not_trusted(engine: RealEngine, tmp_path: Path, python: str, said: str) -> None:
    image = strange(engine, tmp_path / "image", python)
    with pytest.raises(DockerTrouble) as caught:
        inspect(image)
    assert said in caught.value.what
    assert engine.docker("ps", "--all", "--quiet") == ""


def test_two_calls_at_once_take_turns(
    engine: RealEngine, registry: Registry, upstream: Upstream, tmp_path: Path
) -> None:
    """Both write into one folder of sources; the second finds what the first has fetched."""
    published(engine, registry, tmp_path)
    release = upstream.release()
    made: dict[str, Made] = {}

    def makes(name: str) -> None:
        made[name] = make(
            Order(release=release, choice=choose(release), name=name, registry=registry.host), tmp_path / "workspace"
        )

    threads = [threading.Thread(target=makes, args=(f"trtllm-test:{letter}",)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: one.new for name, one in made.items()} == {"trtllm-test:a": True, "trtllm-test:b": True}
    assert connect().image("trtllm-test:b-unverified") is None
