"""What the toolkit adds to Docker's own time and to an image, on a real engine (tests/docker/engine.sh up)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from environment import execution
from environment.image_layout import IDENTITY
from environment.images.order import ordered
from environment.images.planning import OVERLAY, PROBE_SCRIPT, identity
from environment.images.tools import named_build
from environment.plan import Step
from environment.progress import BuildProgress
from environment.workspace import PROJECT
from tests.benchmarks.measurement import Measurement
from tests.docker.conftest import DEFAULT, RealEngine, folders

BASE, NAME = "trtllm-test/python:1", "trtllm-benchmark:v0.10.0"
ROUNDS = 5


def measurements() -> Iterator[Measurement]:
    """One engine is enough: the first of those that are up."""
    folder = folders()[0]
    if folder is None:
        yield Measurement(name=f"no engine at {DEFAULT}: tests/docker/engine.sh up", value="skipped")
        return
    with tempfile.TemporaryDirectory() as scratch:
        engine = RealEngine(folder, Path(scratch))
        os.environ.update(engine.env)
        try:
            yield from on(engine, Path(scratch))
        finally:
            engine.docker("image", "rm", "--force", NAME, check=False)


def on(engine: RealEngine, scratch: Path) -> Iterator[Measurement]:
    """The overlay of a context of the real one's size, then a call that finds it unchanged."""
    context = scratch / "context"
    fill(context)
    words = (*named_build(NAME, str(OVERLAY), buildkit=False), "--no-cache", "--build-arg", f"BASE={BASE}")
    order = ordered(tag="v0.10.0", way="", name=NAME, registry="")
    words = (*words, "--label", f"{IDENTITY}={identity(order)}", str(context))
    step = Step(title="Build", tool="docker-build", argv=words, env={"DOCKER_BUILDKIT": "0"})
    bare, ours = alternating(lambda: quiet(words), lambda: execution.run(words, step, scratch / "log", BuildProgress()))
    yield ratio("overlay build over bare docker build", ours / bare, 1.05)
    yield added(engine)
    size = sum(file.stat().st_size for file in context.rglob("*") if file.is_file())
    value = f"{size / 1e6:.2f} MB"
    yield Measurement(name="build context (as large as v0.10.0's)", value=value, goal="1 MB", met=size < 1e6)
    bare, ours = alternating(
        lambda: quiet(("docker", "image", "inspect", NAME)),
        lambda: quiet((sys.executable, "-m", "invoke", "image", "--tag", "v0.10.0", "--name", NAME)),
    )
    over = ours - bare
    name = "a call that changes nothing, over docker image inspect"
    yield Measurement(name=name, value=f"{over:.2f} s", goal="0.50 s", met=over <= 0.5)


def fill(context: Path) -> None:
    """Files of 811 kB in all, which is what the real commits of v0.10.0 came to."""
    for number in range(80):
        file = context / "upstream" / f"folder{number % 8}" / f"file{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(5_050) * 2)
    context.joinpath("probe.py").write_bytes((PROJECT / PROBE_SCRIPT).read_bytes())


def alternating(one: Callable[[], object], two: Callable[[], object]) -> tuple[float, float]:
    """The median seconds of each, in turns, so that a busy machine is busy for both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for call, kept in zip((one, two), times, strict=True):
            started = time.monotonic()
            call()
            kept.append(time.monotonic() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def quiet(words: tuple[str, ...]) -> None:
    """Runs it in the project's folder; its failure fails the benchmark."""
    environment = {"DOCKER_BUILDKIT": "0", **os.environ}
    subprocess.run(words, cwd=PROJECT, env=environment, check=True, capture_output=True, timeout=300)


def added(engine: RealEngine) -> Measurement:
    """What the overlay adds to its base."""
    sizes = [int(engine.docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (BASE, NAME)]
    size = (sizes[1] - sizes[0]) / 1e6
    return Measurement(name="the overlay adds to its base", value=f"{size:.1f} MB", goal="100 MB", met=size <= 100)


def ratio(name: str, value: float, goal: float) -> Measurement:
    """A ratio that should not exceed its goal."""
    return Measurement(name=name, value=f"{value:.2f}x", goal=f"{goal:.2f}x", met=value <= goal)
