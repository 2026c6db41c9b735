"""The OpenAI endpoint against direct gRPC, on one rehearsed server: throughput and the time to the first piece."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recipes.client import Answer, Question, ask
from recipes.openai import process
from recipes.ports import free_ports
from tests.benchmarks.measurement import Measurement
from tests.recipes.rehearsal.conftest import Home, make_home

TOKENS = 256
TURNS = 3
ROUNDS = {1: 6, 16: 2}  # streams -> answers each
LONG = {"max_tokens": TOKENS, "min_tokens": TOKENS}


@dataclass(frozen=True)
class Load:
    """What one load came to: characters a second, and the median of the first pieces' times in seconds."""

    throughput: float
    first: float


def direct(address: str, streams: int) -> Load:
    """As many threads with tritonclient, each with answers one after another."""
    found: list[Answer] = []

    def one() -> None:
        for _ in range(ROUNDS[streams]):
            answer = Answer()
            for _piece in ask(address, Question(prompt="x", max_tokens=TOKENS, min_tokens=TOKENS), answer):
                pass
            found.append(answer)

    threads = [threading.Thread(target=one) for _ in range(streams)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begun
    return Load(sum(len(answer.text) for answer in found) / taken, statistics.median(a.first for a in found))


async def one_answer(port: int) -> tuple[int, float]:
    """Characters and seconds to the first of them, over HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": "qwen2", "prompt": "x", "stream": True, **LONG}).encode()
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


async def through(port: int, streams: int) -> Load:
    """The same over the endpoint."""

    async def one() -> list[tuple[int, float]]:
        return [await one_answer(port) for _ in range(ROUNDS[streams])]

    begun = time.perf_counter()
    found = [answer for worker in await asyncio.gather(*(one() for _ in range(streams))) for answer in worker]
    taken = time.perf_counter() - begun
    return Load(sum(count for count, _ in found) / taken, statistics.median(first for _, first in found))


def measurements() -> Iterator[Measurement]:
    """Medians over turns in which both take the load one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder), 18000 + os.getpid() % 1000)
        home.serve("--openai", "--openai-port", str(free_ports(1, 20500)[0]))
        try:
            yield from compared(home)
        finally:
            home.invoke("stop")


def compared(home: Home) -> Iterator[Measurement]:
    """Two lines for each number of streams."""
    endpoint = process.endpoint(home.workspace / "runs", "qwen2")
    assert endpoint is not None
    for streams in ROUNDS:
        turns = [
            (direct(home.run.address, streams), asyncio.run(through(endpoint.port, streams))) for _ in range(TURNS)
        ]
        ratio = statistics.median(other.throughput / base.throughput for base, other in turns)
        later = statistics.median(other.first - base.first for base, other in turns) * 1e3
        name = f"OpenAI endpoint against gRPC, {streams} stream(s)"
        yield Measurement(name=f"{name}: throughput", value=f"{ratio:.2f}x", goal=">= 0.90x", met=ratio >= 0.9)
        yield Measurement(name=f"{name}: first piece", value=f"{later:+.1f} ms", goal="<= +5 ms", met=later <= 5)
