"""The asyncio door to Triton: one connection for all answers of a gateway.

Each answer has a stream of its own on it, so that an answer nobody reads any more is cancelled by itself, and a client
that reads slowly slows its own answer down and no other. The stream stays open for requests until its answer has ended:
Triton does not notice the cancellation of one that is half closed. tritonclient's asyncio client cannot ask for the
empty final response that then marks the end, so its generated stub is used as its own example does
(triton-inference-server/client: src/python/examples/grpc_client.py).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from environment.errors import Trouble
from recipes.client import (
    ENGINE,
    NUMPY,
    STOPPED_WITHIN,
    UNSIGNED,
    Question,
    Refused,
    TimedOut,
    Unreachable,
    request_id,
    stop,
)
from recipes.tensor_names import settled, unsettled

KEPT_ALIVE = (("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000))
# A server that Docker started again is found soon; gRPC itself waits longer each time, up to two minutes.
FOUND_AGAIN = tuple((f"grpc.{which}_reconnect_backoff_ms", 1_000) for which in ("initial", "min", "max"))
DESCRIBED_WITHIN = 5.0  # seconds Triton has to say what a model takes
LARGEST = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


class Server:
    """A Triton's gRPC address. Make it inside a running event loop."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.aio.insecure_channel(address, options=[*KEPT_ALIVE, *FOUND_AGAIN, *LARGEST])
        self._known: dict[str, frozenset[str]] = {}
        self._unsigned = False  # whether it takes whole numbers as servers before v0.7.0 do
        self._stopping: set[asyncio.Future[None]] = set()
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def answer(self, question: Question, limit: float) -> AsyncGenerator[str, None]:
        """Yields what each response adds, which may be nothing; closing the iterator cancels the request.

        The whole answer may take `limit` seconds.

        Raises Unreachable (also when the server dies on the way), Refused or TimedOut.
        """
        asked = replace(question, unsigned=self._unsigned)
        while True:
            try:
                async with aclosing(self._asked(asked, limit)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except Refused as refusal:  # of a type of its inputs, so before any piece
                if asked.unsigned or UNSIGNED not in str(refusal):
                    raise
                self._unsigned, asked = True, replace(question, unsigned=True)

    async def _asked(self, question: Question, limit: float) -> AsyncGenerator[str, None]:
        message = request(question, await self._inputs(question))
        ended = asyncio.Event()
        call = self._stub.ModelStreamInfer(_open(message, ended), timeout=limit)
        shown = 0
        try:
            async for said in call:
                if said.error_message:
                    ended.set()
                    raise Refused(
                        f"Triton refused the request: {said.error_message}", where=self.address, mend="./inv logs"
                    )
                if (text := _text(said.infer_response)) is not None:
                    new = text.rstrip("\N{REPLACEMENT CHARACTER}")[shown:] if question.accumulates else text
                    shown += len(new)
                    yield new
                if said.infer_response.parameters["triton_final_response"].bool_param:
                    ended.set()
                    return
            raise Unreachable(
                "Triton closed the stream before the answer had ended", where=self.address, mend="./inv logs"
            )
        except grpc.aio.AioRpcError as error:
            raise self._trouble(error, limit) from error
        finally:
            if not ended.is_set():
                self._stop(message.id, unsigned=question.unsigned)
                ended.set()  # else the stream's own request would be waited for as long as this process lives
            call.cancel()

    async def _inputs(self, question: Question) -> frozenset[str]:
        """The inputs of the model, read once; none where no name depends on them."""
        if question.model not in self._known and unsettled(question.tensors()):
            asked = service_pb2.ModelMetadataRequest(name=question.model)
            try:
                described = await self._stub.ModelMetadata(asked, timeout=DESCRIBED_WITHIN)
            except grpc.aio.AioRpcError as error:
                raise self._trouble(error, DESCRIBED_WITHIN) from error
            self._known[question.model] = frozenset(tensor.name for tensor in described.inputs)
        return self._known.get(question.model, frozenset())

    def _stop(self, identity: str, *, unsigned: bool) -> None:
        """Asks the engine to end an answer, behind the back of whoever has gone."""
        task = asyncio.ensure_future(self._stopped(_message(ENGINE, identity, stop(unsigned=unsigned))))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _stopped(self, message: Any) -> None:
        with suppress(grpc.aio.AioRpcError):
            async for _ in self._stub.ModelStreamInfer(_open(message, None), timeout=STOPPED_WITHIN):
                pass

    async def ready(self) -> bool:
        """Whether the server and all its models are ready."""
        try:
            return bool((await self._stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=2.0)).ready)
        except grpc.aio.AioRpcError:
            return False

    async def close(self) -> None:
        """Closes the connection; answers under way end."""
        await self._channel.close()

    def _trouble(self, error: grpc.aio.AioRpcError, limit: float) -> Trouble:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return TimedOut(
                f"the answer was not finished within {limit:g} s",
                where=self.address,
                mend="ask for fewer tokens, or: --seconds",
            )
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return Unreachable(f"no Triton answers at {self.address}", why=error.details() or "", mend="./inv status")
        return Refused(f"Triton ended the request: {error.details()}", where=self.address, mend="./inv logs")


async def _open(message: Any, ended: asyncio.Event | None) -> AsyncIterator[Any]:
    """The one request of a stream that stays open until its answer has ended."""
    yield message
    if ended is not None:
        await ended.wait()


def request(question: Question, inputs: Collection[str] = ()) -> Any:
    """The question as Triton's message, under the names among the model's `inputs`.

    Of the outputs it asks for the text alone, so nothing else is sent back.
    """
    tensors = question.tensors()
    made = _message(question.model, request_id(), settled(tensors, inputs, question.model))
    made.outputs.add(name="text_output")
    return made


def _message(model: str, identity: str, tensors: Mapping[str, tuple[str, list[Any]]]) -> Any:
    made = service_pb2.ModelInferRequest(model_name=model, id=identity)
    for name, (kind, values) in tensors.items():
        made.inputs.add(name=name, datatype=kind, shape=[1, len(values)])
        made.raw_input_contents.append(_raw(kind, values))
    made.parameters["triton_enable_empty_final_response"].bool_param = True
    return made


def _raw(kind: str, values: list[Any]) -> bytes:
    """Values as they travel: strings behind their lengths (KServe v2, binary tensor data extension)."""
    if kind == "BYTES":
        return b"".join(struct.pack("<I", len(value)) + value for value in values)
    return np.array(values, dtype=NUMPY[kind]).tobytes()


def _text(response: Any) -> str | None:
    """The one string of a response; the final one may have none."""
    contents = response.raw_output_contents
    return contents[0][4:].decode("utf-8", "replace") if contents else None
