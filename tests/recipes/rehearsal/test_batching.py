from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recipes.rehearsal.batching import Batcher, Request, generate
from recipes.rehearsal.engine import OnToken, Sampling
from tests.waiting import PATIENCE


@dataclass
class Ear:
    """A listener that keeps what it hears and counts how often it hears the end."""

    heard: list[int] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    gone_after: int = 10**9

    def token(self, token: int, log_prob: float, *, last: bool) -> None:
        self.heard.append(token)
        if last:
            self._end("last")

    def failed(self, reason: str) -> None:
        self._end(reason)

    def ended(self) -> None:
        self._end("cancelled")

    def cancelled(self) -> bool:
        return len(self.heard) >= self.gone_after

    def _end(self, how: str) -> None:
        self.ends.append(how)
        self.over.set()


@dataclass
class Counting:
    """An engine that continues each prompt with its last token + 1, + 2, ...; it can wait, and it can fail."""

    vocabulary: int = 100
    positions: int = 100
    fails_at: int = 10**9
    begun: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[tuple[int, ...]]] = field(default_factory=list)

    def generate(self, prompts: Sequence[Sequence[int]], limit: int, sampling: Sampling, on_token: OnToken) -> None:
        self.batches.append([tuple(prompt) for prompt in prompts])
        self.begun.set()
        self.gate.wait(PATIENCE)
        running = set(range(len(prompts)))
        for step in range(limit):
            if step == self.fails_at:
                raise RuntimeError("out of memory")
            running = {place for place in running if not on_token(place, prompts[place][-1] + step + 1, -0.5)}


def request(prompt: int, limit: int = 5, **options: Any) -> tuple[Request, Ear]:
    ear = Ear()
    return Request(prompt=(prompt,), limit=limit, listener=ear, **options), ear


def opened(fails_at: int = 10**9) -> Counting:
    engine = Counting(fails_at=fails_at)
    engine.gate.set()
    return engine


def test_each_answer_of_a_batch_ends_on_its_own_terms() -> None:
    asked = [request(0, 3), request(10, 9, end_id=12), request(20, 9, stop_words=((22, 23),))]
    generate(opened(), [each for each, _ in asked])
    assert [ear.heard for _, ear in asked] == [[1, 2, 3], [11, 12], [21, 22, 23]]
    assert all(ear.ends == ["last"] for _, ear in asked)


def test_a_listener_that_has_gone_is_told_once_and_nothing_more() -> None:
    asked, ear = request(0, 9)
    ear.gone_after = 2
    generate(opened(), [asked])
    assert ear.heard == [1, 2]
    assert ear.ends == ["cancelled"]


def test_an_engine_that_fails_ends_every_open_answer_with_its_reason() -> None:
    (short, first), (long, second) = request(0, 1), request(10, 9)
    generate(opened(fails_at=2), [short, long])
    assert first.ends == ["last"]
    assert second.ends == ["RuntimeError: out of memory"]


def test_an_engine_that_stops_early_does_not_leave_a_listener_waiting() -> None:
    class Silent(Counting):
        def generate(self, *_: object) -> None:
            return

    asked, ear = request(0)
    generate(Silent(), [asked])
    assert ear.ends == ["the engine ended without a last token"]


def test_what_waits_is_generated_together_when_its_sampling_is_equal() -> None:
    engine = Counting()
    batcher = Batcher(engine, workers=1, largest=3)
    warm = Sampling(temperature=0.7)
    asked = [request(0), request(10), request(20, sampling=warm), request(30), request(40), request(50, sampling=warm)]
    batcher.submit(asked[0][0])
    assert engine.begun.wait(PATIENCE)
    for each, _ in asked[1:]:
        batcher.submit(each)
    engine.gate.set()
    assert all(ear.over.wait(PATIENCE) for _, ear in asked)
    batcher.close()
    assert engine.batches == [[(0,)], [(10,), (30,), (40,)], [(20,), (50,)]]


def test_closing_refuses_what_waits() -> None:
    engine = Counting()
    batcher = Batcher(engine, workers=1, largest=1)
    (running, first), (waiting, second) = request(0), request(10)
    batcher.submit(running)
    assert engine.begun.wait(PATIENCE)
    batcher.submit(waiting)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    assert second.over.wait(PATIENCE)
    engine.gate.set()
    closing.join(PATIENCE)
    assert first.ends == ["last"]
    assert second.ends == ["the server is stopping"]
