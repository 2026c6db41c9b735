"""The rehearsal against the same tritonserver started by hand on the same repository, and `ask` against a bare loop."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton

from environment.workspace import Workspace
from recipes import chosen, processes, running, runs
from recipes.ask import Manner, show_answer, target
from recipes.ports import free_ports
from recipes.prompt import prompt
from recipes.rehearsal import binary
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.preparation import Material, Prepared, prepare
from recipes.rehearsal.rehearse import Rehearsal, rehearse
from recipes.rehearsal.server import answers_ready
from tests.benchmarks.measurement import Measurement

Server = Callable[[], AbstractContextManager[float]]
ROOT = Path(__file__).parents[2]
TURNS = 4
QUESTION = "Count to ten."


@dataclass(frozen=True)
class Place:
    """A workspace in which everything is built, and three ports."""

    workspace: Workspace
    prepared: Prepared
    ports: dict[str, int]


@cache
def place() -> Place:
    """Made once for all rows."""
    workspace = Workspace(Path(tempfile.mkdtemp(prefix="benchmark-")))
    http, grpc, metrics = free_ports(3, 21000)
    material = Material(checkpoint=SHIPPED, release="v0.10.0", templates=None, max_batch_size=8)
    return Place(workspace, prepare(material, workspace), {"http": http, "grpc": grpc, "metrics": metrics})


def tokens(address: str) -> Iterator[str]:
    """The bare loop: tritonclient, one stream, nothing else."""
    arrived: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
    values: list[tuple[str, str, Any]] = [
        ("text_input", "BYTES", np.array([[prompt(QUESTION, SHIPPED).encode()]], dtype=object)),
        ("max_tokens", "INT32", np.array([[128]], dtype=np.int32)),
        ("stream", "BOOL", np.array([[True]])),
    ]
    inputs = [triton.InferInput(name, [1, 1], kind) for name, kind, _ in values]
    for tensor, (_, _, value) in zip(inputs, values, strict=True):
        tensor.set_data_from_numpy(value)
    with triton.InferenceServerClient(address) as client:
        client.start_stream(callback=lambda result, error: arrived.put((result, error)))
        client.async_stream_infer("ensemble", inputs, enable_empty_final_response=True)
        while True:
            result, error = arrived.get(timeout=60)
            assert error is None, error
            if result.get_response().parameters["triton_final_response"].bool_param:
                return
            yield result.as_numpy("text_output")[0].decode()


@contextmanager
def by_hand() -> Iterator[float]:
    """The same server, started and watched with nothing around it; yields when it was started."""
    here = place()
    command = binary.command(here.prepared.repository, here.prepared.backends, here.ports)
    begun = time.time()
    process = subprocess.Popen(
        command.argv,
        env={**os.environ, **command.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not answers_ready(here.ports["http"]):
            time.sleep(0.01)
        yield begun
    finally:
        processes.end(process.pid)
        process.wait()


@contextmanager
def rehearsed() -> Iterator[float]:
    """A rehearsal; yields when its server was started."""
    here = place()
    asked = Rehearsal(name="benchmark", recipe="qwen2", release="v0.10.0", ports=here.ports)
    with contextlib.redirect_stderr(io.StringIO()):
        run, _ = rehearse(asked, here.workspace)
    try:
        yield run.started + skew()
    finally:
        running.stop(here.workspace.runs, run)


@cache
def skew() -> float:
    """How much earlier than the clock a process seems to start: the kernel tells the time of boot in whole seconds."""
    now = time.time()
    with subprocess.Popen(("sleep", "0.1")) as process:
        return now - processes.started(process.pid)


def address() -> str:
    """Where gRPC listens."""
    return f"127.0.0.1:{place().ports['grpc']}"


def ready(server: Server) -> float:
    """Seconds from the start of the server to ready."""
    with server() as begun:
        return time.time() - begun


def first_token(server: Server) -> float:
    """Seconds from the start of the server to the first token."""
    with server() as begun:
        next(tokens(address()))
        return time.time() - begun


def first_token_of_a_second_serve() -> float:
    """Seconds from typing `serve --rehearse`, with everything built, to the first token on standard output."""
    here = place()
    ports = [word for kind, port in here.ports.items() for word in (f"--{kind}-port", str(port))]
    words = (sys.executable, "-m", "invoke", "serve", "qwen2", "--rehearse", "--question", QUESTION, *ports)
    begun = time.time()
    environment = {**os.environ, "TRTLLM_WORKSPACE": str(here.workspace.root)}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=ROOT, env=environment, **pipes) as serve:
        assert serve.stdout is not None
        serve.stdout.read(1)
        seconds = time.time() - begun
        serve.stdout.read()
    running.stop(here.workspace.runs, chosen.choose(here.workspace.runs, "qwen2"))
    return seconds


def whole_serve(*words: str) -> float:
    """Seconds that `serve --rehearse` takes from being typed to its end, with everything built."""
    here = place()
    ports = [word for kind, port in here.ports.items() for word in (f"--{kind}-port", str(port))]
    argv = (sys.executable, "-m", "invoke", "serve", "qwen2", "--rehearse", "--question", QUESTION, *ports, *words)
    environment, begun = {**os.environ, "TRTLLM_WORKSPACE": str(here.workspace.root)}, time.time()
    subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, check=True)
    seconds = time.time() - begun
    running.stop(here.workspace.runs, chosen.choose(here.workspace.runs, "qwen2"))
    return seconds


def per_token(pieces: Iterator[str]) -> float:
    """Mean seconds a token, from the request to the last."""
    begun = time.perf_counter()
    count = sum(1 for _ in pieces)
    return (time.perf_counter() - begun) / count


def asked_per_token(run: runs.Run) -> float:
    """The same through `ask`, its printing included."""
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answer = show_answer(target(run), QUESTION, Manner())
    return (time.perf_counter() - begun) / len(answer.pieces)


def best_of(count: int, *measured: Callable[[], float]) -> tuple[float, ...]:
    """The least of each, measured in turns: what else a machine does only ever adds."""
    turns = [[measure() for measure in measured] for _ in range(count)]
    return tuple(min(times) for times in zip(*turns, strict=True))


def ratio(name: str, times: tuple[float, ...], goal: float) -> Iterator[Measurement]:
    """What ours takes against the baseline, both in seconds."""
    ours, baseline = times
    yield Measurement(name=f"{name}: ours", value=f"{ours:.2f} s")
    yield Measurement(name=f"{name}: tritonserver by hand", value=f"{baseline:.2f} s")
    value = f"{ours / baseline:.2f}"
    yield Measurement(name=f"{name}: ratio", value=value, goal=f"{goal:.2f}", met=ours / baseline <= goal)


def added(name: str, times: tuple[float, ...], goal: float) -> Iterator[Measurement]:
    """What ours adds to the baseline, in milliseconds."""
    ours, baseline = times
    yield Measurement(name=f"{name}: ours", value=f"{ours * 1e3:.2f} ms")
    yield Measurement(name=f"{name}: baseline", value=f"{baseline * 1e3:.2f} ms")
    value, limit = f"{(ours - baseline) * 1e3:.2f} ms", f"{goal * 1e3:.0f} ms"
    yield Measurement(name=f"{name}: added", value=value, goal=limit, met=ours - baseline <= goal)


def measurements() -> Iterator[Measurement]:
    """Server start to ready and to the first token; what a second serve adds; what `ask` adds to a token."""
    yield from ratio("server start to ready", best_of(TURNS, lambda: ready(rehearsed), lambda: ready(by_hand)), 1.10)
    first = best_of(TURNS, lambda: first_token(rehearsed), lambda: first_token(by_hand))
    yield from ratio("server start to first token", first, 1.10)
    second = best_of(TURNS, first_token_of_a_second_serve, lambda: first_token(by_hand))
    yield from added("second serve, typed to first token", second, 0.5)
    judged = best_of(TURNS, whole_serve, lambda: whole_serve("--no-quality"))
    value, met = f"{judged[0] / judged[1]:.2f}x", judged[0] / judged[1] <= 1.1
    yield Measurement(name="serve with the quality gate against --no-quality", value=value, goal="<= 1.10x", met=met)
    yield from added("ask, a token, against a bare tritonclient loop", a_token(), 0.005)


def a_token() -> tuple[float, ...]:
    """Seconds a token, through `ask` and through the bare loop."""
    here = place()
    asked = Rehearsal(name="benchmark", recipe="qwen2", release="v0.10.0", ports=here.ports)
    with contextlib.redirect_stderr(io.StringIO()):
        run, _ = rehearse(asked, here.workspace)
    try:
        return best_of(15, lambda: asked_per_token(run), lambda: per_token(tokens(run.address)))
    finally:
        running.stop(here.workspace.runs, run)
