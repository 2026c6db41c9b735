"""The OpenAI endpoint against direct gRPC, on one rehearsed server: throughput, first piece, processor time.

Throughput is measured on the CPU engine, which is then the bottleneck. It answers in batches, so that a first piece may
wait for a whole batch before it; how much later a first piece comes is measured on an engine that begins every answer
at once and takes its time between tokens, as one with in-flight batching does.

Every turn measures both ways on the same server, first one and then the other first; a turn's ratio is of that turn.
Processor time is what a token costs in all processes that take part, and hardly moves when others use the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from recipes.client import Answer, Question, ask
from recipes.openai import process
from recipes.ports import free_ports
from tests.benchmarks.measurement import Measurement
from tests.recipes.clients.conftest import served
from tests.recipes.clients.words import PAUSE
from tests.recipes.rehearsal.conftest import Home, make_home

TOKENS = 256
TURNS = 7
NAME = "OpenAI endpoint against gRPC, {} stream(s): {}"
ROUNDS = {1: 6, 16: 2}  # streams -> answers each
FEW = 8  # tokens, where only the first counts


@dataclass(frozen=True)
class Load:
    """What one load came to: characters a second, the median of the first pieces' times and all processor seconds."""

    throughput: float
    first: float
    processor: float


def processor(processes: Iterable[int]) -> float:
    """Seconds of processor time that these processes and their children have used."""
    found = [psutil.Process(process) for process in processes]
    every = [each for one in found for each in (one, *one.children(recursive=True))]
    return sum(sum(each.cpu_times()[:2]) for each in every)


def direct(address: str, streams: int, tokens: int, taking_part: Sequence[int]) -> Load:
    """As many threads with tritonclient, each with answers one after another."""
    found: list[Answer] = []

    def one() -> None:
        for _ in range(ROUNDS[streams]):
            answer = Answer()
            for _piece in ask(address, Question(prompt="x", max_tokens=tokens, min_tokens=tokens), answer):
                pass
            found.append(answer)

    threads = [threading.Thread(target=one) for _ in range(streams)]
    used, begun = processor(taking_part), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, used = time.perf_counter() - begun, processor(taking_part) - used
    return Load(sum(len(answer.text) for answer in found) / taken, statistics.median(a.first for a in found), used)


async def one_answer(port: int, tokens: int) -> tuple[int, float]:
    """Characters and seconds to the first of them, over HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(
        {"model": "qwen2", "prompt": "x", "stream": True, "max_tokens": tokens, "min_tokens": tokens}
    ).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    begun, first, characters = time.perf_counter(), 0.0, 0
    writer.write(head.encode() + body)
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            characters += len(json.loads(line[6:])["choices"][0]["text"])
            first = first or time.perf_counter() - begun
    writer.close()
    await writer.wait_closed()
    return characters, first


async def through(port: int, streams: int, tokens: int, taking_part: Sequence[int]) -> Load:
    """The same over the endpoint."""

    async def one() -> list[tuple[int, float]]:
        return [await one_answer(port, tokens) for _ in range(ROUNDS[streams])]

    used, begun = processor(taking_part), time.perf_counter()
    found = [answer for worker in await asyncio.gather(*(one() for _ in range(streams))) for answer in worker]
    taken, used = time.perf_counter() - begun, processor(taking_part) - used
    return Load(sum(count for count, _ in found) / taken, statistics.median(first for _, first in found), used)


def measurements() -> Iterator[Measurement]:
    """Medians over turns in which both take the load one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "saturated", 18000 + os.getpid() % 1000)
        home.serve()
        yield from measured(home, throughput, TOKENS)
        home = make_home(Path(folder) / "steady", 18000 + os.getpid() % 1000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(PAUSE, "0.02")
            served(home)
        yield from measured(home, first_piece, FEW)


def measured(
    home: Home, read: Callable[[int, list[tuple[Load, Load]]], Iterator[Measurement]], tokens: int
) -> Iterator[Measurement]:
    """What `read` says of the turns of each number of streams, on the server in this home."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TRTLLM_WORKSPACE", str(home.workspace))
            process.start(home.workspace / "runs", home.run, ("--port", str(free_ports(1, 20500)[0])))
        for streams in ROUNDS:
            yield from read(streams, compared(home, streams, tokens))
    finally:
        home.invoke("stop")


def throughput(streams: int, turns: list[tuple[Load, Load]]) -> Iterator[Measurement]:
    """Characters a second, and processor time, of the endpoint as a part of direct gRPC's."""
    ratio = statistics.median(other.throughput / base.throughput for base, other in turns)
    used = statistics.median(other.processor / base.processor for base, other in turns)
    yield Measurement(name=NAME.format(streams, "throughput"), value=f"{ratio:.2f}x", goal=">= 0.90x", met=ratio >= 0.9)
    yield Measurement(name=NAME.format(streams, "processor time a token"), value=f"{used:.2f}x")


def first_piece(streams: int, turns: list[tuple[Load, Load]]) -> Iterator[Measurement]:
    """How much later the first piece comes, at the median."""
    later = statistics.median(other.first - base.first for base, other in turns) * 1e3
    yield Measurement(
        name=NAME.format(streams, "first piece"), value=f"{later:+.1f} ms", goal="<= +5 ms", met=later <= 5
    )


def compared(home: Home, streams: int, tokens: int) -> list[tuple[Load, Load]]:
    """Turns of direct gRPC and of the endpoint."""
    endpoint = process.endpoint(home.workspace / "runs", "qwen2")
    assert endpoint is not None
    run, taking_part = home.run, (os.getpid(), home.run.process, endpoint.process)

    def turn(*, direct_first: bool) -> tuple[Load, Load]:
        def other() -> Load:
            return asyncio.run(through(endpoint.port, streams, tokens, taking_part))

        early = None if direct_first else other()
        base = direct(run.address, streams, tokens, taking_part)
        return base, early or other()

    turn(direct_first=True)  # connections, caches: not measured
    return [turn(direct_first=number % 2 == 0) for number in range(TURNS)]
