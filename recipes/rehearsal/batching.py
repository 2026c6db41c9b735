"""Concurrent requests: what waits is generated together, by a few workers, and each answer ends on its own terms."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from recipes.rehearsal.engine import Engine, Sampling


class Listener(Protocol):
    """Who asked: is told every token, and exactly once that the answer is over."""

    def token(self, token: int, log_prob: float, *, last: bool) -> None:
        """One more token of the answer."""

    def failed(self, reason: str) -> None:
        """The answer is over because of an error."""

    def ended(self) -> None:
        """The answer is over because nobody listens any more."""

    def cancelled(self) -> bool:
        """Whether the listener has gone."""


@dataclass(kw_only=True)
class Request:
    """A prompt of token ids, when its answer ends, and who listens. `limit` is in tokens."""

    prompt: tuple[int, ...]
    limit: int
    listener: Listener
    end_id: int = -1
    stop_words: tuple[tuple[int, ...], ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    answer: list[int] = field(default_factory=list)
    over: bool = False

    def take(self, token: int, log_prob: float) -> bool:
        """Passes one token on; True once the answer is over."""
        if not self.over and self.listener.cancelled():
            self.over = True
            self.listener.ended()
        if not self.over:
            self.answer.append(token)
            self.over = self._complete()
            self.listener.token(token, log_prob, last=self.over)
        return self.over

    def _complete(self) -> bool:
        ended = self.answer[-1] == self.end_id and len(self.answer) >= self.sampling.min_length
        ends = ended or len(self.answer) >= self.limit
        return ends or any(tuple(self.answer[-len(word) :]) == word for word in self.stop_words)

    def fail(self, reason: str) -> None:
        """Ends the answer with an error unless it is over already."""
        if not self.over:
            self.over = True
            self.listener.failed(reason)


class Batcher:
    """Worker threads that take what waits, up to `largest` requests of equal sampling, and generate it as one batch."""

    def __init__(self, engine: Engine, *, workers: int, largest: int) -> None:
        self._engine, self._largest = engine, largest
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()
        self._open = True
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Request) -> None:
        """Queues the request; its listener hears from a worker thread."""
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()

    def close(self) -> None:
        """Ends the workers after what they are doing; what still waits is refused."""
        with self._changed:
            self._open = False
            left, self._waiting = self._waiting, deque()
            self._changed.notify_all()
        for request in left:
            request.fail("the server is stopping")
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._take():
            generate(self._engine, batch)

    def _take(self) -> list[Request]:
        """The next requests that can be generated together; none when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._open)
            if not self._open:
                return []
            first = self._waiting[0]
            fitting = [request for request in self._waiting if request.sampling == first.sampling][: self._largest]
            self._waiting = deque(request for request in self._waiting if request not in fitting)
            return fitting


def generate(engine: Engine, batch: Sequence[Request]) -> None:
    """Generates one batch; an error of the engine ends every answer that is not over."""
    limit = max(request.limit for request in batch)
    try:
        engine.generate(
            [request.prompt for request in batch],
            limit,
            batch[0].sampling,
            lambda place, token, log_prob: batch[place].take(token, log_prob),
        )
        reason = "the engine ended without a last token"
    except Exception as error:  # whatever the engine raises, the clients must hear of it
        reason = f"{type(error).__name__}: {error}"
    for request in batch:
        request.fail(reason)
