"""The application: routes, errors in OpenAI's shape, and answers that end on Triton when their reader goes."""

from __future__ import annotations

import asyncio
import hmac
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from environment.errors import Trouble
from recipes.client import TimedOut, Unreachable
from recipes.openai import answers
from recipes.openai.admission import Busy, Limits, Line
from recipes.openai.answers import Events, Head
from recipes.openai.generation import Generation
from recipes.openai.metrics import Meter, triton_metrics
from recipes.openai.requests import BadRequest, Chat, Common, Completion, read_chat, read_completion
from recipes.openai.served import Served
from recipes.openai.triton import Server

T = TypeVar("T")
BODY_WITHIN = 30.0  # seconds for a client to send its request
GONE = 499  # what nginx calls a client that closed its request; nobody reads it


class Gateway:
    """Answers for one served model. An empty `key` asks no client for one."""

    def __init__(self, served: Served, *, key: str = "", limits: Limits | None = None) -> None:
        self._served, self._key, self._limits = served, key.encode(), limits or Limits()
        self._meter = Meter()
        self._line: Line
        self._server: Server

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/v1/models", self._guarded(self.models)),
            Route("/v1/models/{name}", self._guarded(self.model)),
            Route("/v1/completions", self._guarded(self.complete), methods=["POST"]),
            Route("/v1/chat/completions", self._guarded(self.chat), methods=["POST"]),
            Route("/health", self.health),
            Route("/metrics", self.metrics),
        ]
        kinds = (BadRequest, Busy, Trouble, HTTPException, ClientDisconnect, Exception)
        return Starlette(routes=routes, lifespan=self._alive, exception_handlers=dict.fromkeys(kinds, self._failed))

    @asynccontextmanager
    async def _alive(self, _: Starlette) -> AsyncIterator[None]:
        self._server, self._line = Server(self._served.address), Line(self._limits)
        yield
        await self._server.close()

    def _guarded(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            scheme, _, said = request.headers.get("authorization", "").partition(" ")
            if self._key and not (scheme.lower() == "bearer" and hmac.compare_digest(said.encode(), self._key)):
                raise BadRequest("the API key is missing or wrong", code="invalid_api_key", status=401)
            return await handle(request)

        return guarded

    async def models(self, _: Request) -> Response:
        """GET /v1/models."""
        return _json(answers.models(self._served.name, self._served.created))

    async def model(self, request: Request) -> Response:
        """GET /v1/models/NAME."""
        self._known(request.path_params["name"])
        return _json(answers.encode(answers.model(self._served.name, self._served.created)))

    async def health(self, _: Request) -> Response:
        """GET /health: 200 when Triton and its models are ready."""
        ready = await self._server.ready()
        return _json(answers.encode({"status": "ready" if ready else "unavailable"}), 200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        """GET /metrics: the gateway's figures, then Triton's."""
        own = self._meter.text(self._line)
        tritons = await asyncio.to_thread(triton_metrics, self._served.metrics)
        return Response(own + tritons, media_type="text/plain; version=0.0.4")

    async def complete(self, request: Request) -> Response:
        """POST /v1/completions."""
        asked: Completion = read_completion(await self._body(request))
        return await self._answer(request, asked, asked.text)

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        asked: Chat = read_chat(await self._body(request))
        return await self._answer(request, asked, self._served.conversation(asked))

    async def _answer(self, request: Request, asked: Common, prompt: str) -> Response:
        self._known(asked.model)
        prompt_tokens = self._served.tokens(prompt)
        question = self._served.question(asked, prompt, self._served.limit(asked, prompt_tokens))
        generation = Generation(self._served, question, asked.stop_words, self._meter)
        await while_there(request, generation.begin(self._server, self._line, self._limits.seconds))
        head = Head(id=_identity(asked), created=int(time.time()), model=asked.model, chat=isinstance(asked, Chat))
        if asked.stream:
            return EventStream(self._events(generation, head, prompt_tokens if asked.with_usage else None))
        await while_there(request, _read(generation))
        counts = answers.usage(prompt_tokens, generation.tokens)
        return _json(answers.whole(head, generation.text, self._ended(generation), counts))

    async def _events(self, generation: Generation, head: Head, prompt_tokens: int | None) -> AsyncIterator[bytes]:
        events = Events(head)
        waiting = events.opening()
        try:
            async for text in generation.texts():
                yield waiting + events.piece(text)
                waiting = b""
        except Trouble as trouble:
            self._meter.endings["broken"] += 1
            yield waiting + answers.event(answers.error(trouble.what, "server_error", code=_kind(trouble)[1]))
            return
        last = waiting + events.closing(self._ended(generation))
        if prompt_tokens is not None:
            last += events.usage(answers.usage(prompt_tokens, generation.tokens))
        yield last + answers.DONE

    def _ended(self, generation: Generation) -> str:
        ending = generation.ending()
        self._meter.endings[ending] += 1
        self._meter.tokens += generation.tokens
        return ending

    def _known(self, name: str) -> None:
        if name != self._served.name:
            message = f"the model {name!r} is not served here; {self._served.name!r} is"
            raise BadRequest(message, parameter="model", code="model_not_found", status=404)

    async def _body(self, request: Request) -> bytes:
        """The request's body, within its limits of size and time."""
        try:
            return await asyncio.wait_for(self._limited(request), BODY_WITHIN)
        except asyncio.TimeoutError:
            raise BadRequest(f"the request was not sent within {BODY_WITHIN:g} s", status=408) from None

    async def _limited(self, request: Request) -> bytes:
        body, announced = bytearray(), int(request.headers.get("content-length", 0))
        self._refuse_large(announced)
        async for chunk in request.stream():
            body += chunk
            self._refuse_large(len(body))
        return bytes(body)

    def _refuse_large(self, size: int) -> None:
        if size > self._limits.body:
            raise BadRequest(f"the request is larger than {self._limits.body} bytes", status=413)

    async def _failed(self, _: Request, error: Exception) -> Response:
        status, body, headers = described(error)
        self._meter.endings[str(status)] += 1
        return Response(answers.encode(body), status, headers, "application/json")


class EventStream(StreamingResponse):
    """Server-sent events; the iterator is closed at once when the client goes, not when it is collected."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._events: Any = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events as the client takes them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()


async def _read(generation: Generation) -> None:
    async for _ in generation.texts():
        pass


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes away before."""
    working, going = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, going}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        going.cancel()
        await asyncio.gather(working, going, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def described(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    """HTTP status, body and headers of an error. Pure."""
    if isinstance(error, BadRequest):
        return error.status, answers.error(str(error), "invalid_request_error", error.parameter, error.code), {}
    if isinstance(error, Busy):
        busy = answers.error("too many requests are waiting", "rate_limit_error", code="rate_limit_exceeded")
        return 429, busy, {"retry-after": "1"}
    if isinstance(error, HTTPException):
        return error.status_code, answers.error(error.detail, "invalid_request_error"), dict(error.headers or {})
    if isinstance(error, ClientDisconnect):
        return GONE, answers.error("the client is gone", "invalid_request_error"), {}
    status, code = _kind(error)
    said = error.what if isinstance(error, Trouble) else str(error)  # where and what mends it is not the client's
    return status, answers.error(said, "server_error", code=code), {}


def _kind(error: Exception) -> tuple[int, str]:
    if isinstance(error, Unreachable):
        return 503, "server_unavailable"
    return (504, "timeout") if isinstance(error, TimedOut) else (500, "server_error")


def _identity(asked: Common) -> str:
    return f"{'chatcmpl' if isinstance(asked, Chat) else 'cmpl'}-{uuid.uuid4().hex}"


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
