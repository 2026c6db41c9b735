"""One answer on its way: pieces from Triton in, text up to the first stop word out, counted and timed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

from recipes.client import Question
from recipes.openai.admission import Line
from recipes.openai.metrics import Meter
from recipes.openai.served import Served
from recipes.openai.triton import Server
from recipes.stops import Stops


class Generation:
    """Holds a place in line and a request on Triton until it is closed or read to its end."""

    def __init__(self, served: Served, question: Question, stop_words: tuple[str, ...], meter: Meter) -> None:
        self._served, self._question, self._meter = served, question, meter
        self._stops = Stops((*stop_words, *served.stop))
        self._texts: list[str] = []
        self._responses = 0
        self._held = AsyncExitStack()
        self._pieces: AsyncGenerator[str, None]
        self._first = ""

    async def begin(self, server: Server, line: Line, seconds: float) -> None:
        """Waits for a place and the first text; raises Busy or what Triton says, before anything was sent."""
        begun = time.perf_counter()
        try:
            await self._held.enter_async_context(line.place())
            pieces: AsyncGenerator[str, None] = server.answer(self._question, seconds)
            self._pieces = await self._held.enter_async_context(aclosing(self._shown(pieces)))
            self._first = await anext(self._pieces, "")
        except BaseException:
            await self.close()
            raise
        self._meter.first(time.perf_counter() - begun)

    async def close(self) -> None:
        """Gives the place back; a request that is not finished is cancelled on Triton."""
        await self._held.aclose()

    async def texts(self) -> AsyncGenerator[str, None]:
        """The texts, from the first one on; the place is given back at the end, whatever happens."""
        try:
            if self._first:
                yield self._noted(self._first)
            async for text in self._pieces:
                yield self._noted(text)
        finally:
            await self.close()

    @property
    def text(self) -> str:
        """What was shown so far."""
        return "".join(self._texts)

    @property
    def tokens(self) -> int:
        """Tokens answered: what the tokenizer makes of the text, and never fewer than Triton's responses.

        A token may add no text: the first bytes of a character, with which an answer that is cut may end.
        """
        return max(self._served.tokens(self.text), self._responses)

    def ending(self) -> str:
        """OpenAI's finish reason."""
        cut = not self._stops.met and self.tokens >= self._question.max_tokens
        return "length" if cut else "stop"

    def _noted(self, text: str) -> str:
        self._texts.append(text)
        return text

    async def _shown(self, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        async with aclosing(pieces):
            async for piece in pieces:
                self._responses += 1
                if text := self._stops.push(piece):
                    yield text
                if self._stops.met:
                    return
        if rest := self._stops.rest():
            yield rest
