"""The one door to tritonclient: ask a served model over gRPC, token by token.

Tensors are those of `ensemble` and `tensorrt_llm_bls`: triton-inference-server/tensorrtllm_backend,
all_models/inflight_batcher_llm/ensemble/config.pbtxt.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from environment.errors import Trouble
from recipes.tensor_names import settled, unsettled


class Unreachable(Trouble):
    """Nobody answers at the address."""


class Refused(Trouble):
    """The server answered with an error."""


class TimedOut(Trouble):
    """No token came within the time given."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of which model. `accumulates`: each response repeats the whole answer so far."""

    prompt: str
    max_tokens: int = 128
    min_tokens: int | None = None
    model: str = "ensemble"
    accumulates: bool = False
    stop_words: tuple[str, ...] = ()
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    end_id: int | None = None
    unsigned: bool = False

    def tensors(self) -> dict[str, tuple[str, list[Any]]]:
        """The request's tensors: name -> Triton's data type and the values, of shape [1, n].

        Names are the newest release's; `tensor_names` knows the others. Before v0.7.0 counts and ids are `unsigned`
        (triton-inference-server/tensorrtllm_backend@v0.6.1: all_models/inflight_batcher_llm/ensemble/config.pbtxt).
        """
        whole = "UINT32" if self.unsigned else "INT32"
        rows: dict[str, tuple[str, list[Any] | None]] = {
            "text_input": ("BYTES", [self.prompt.encode()]),
            "max_tokens": (whole, [self.max_tokens]),
            "min_tokens": (whole, None if self.min_tokens is None else [self.min_tokens]),
            "stream": ("BOOL", [True]),
            "end_id": (whole, None if self.end_id is None else [self.end_id]),
            "stop_words": ("BYTES", [word.encode() for word in self.stop_words] or None),
            "temperature": ("FP32", None if self.temperature is None else [self.temperature]),
            "top_k": (whole, None if self.top_k is None else [self.top_k]),
            "top_p": ("FP32", None if self.top_p is None else [self.top_p]),
            "seed": ("UINT64", None if self.seed is None else [self.seed]),
        }
        return {name: (kind, values) for name, (kind, values) in rows.items() if values is not None}


# An ensemble passes no cancellation on to the step that is under way (triton-inference-server/server#6739), so the
# engine itself is told, as upstream's inflight_batcher_llm_client.py does: a request of the same id with `stop` set.
ENGINE = "tensorrt_llm"
UNSIGNED = "expects 'UINT32'"  # triton-inference-server/core: infer_request.cc, of a tensor of another type
# What the backend says to a request that wants to stream when its model may not
# (triton-inference-server/tensorrtllm_backend: inflight_batcher_llm/src).
NOT_DECOUPLED = "Streaming is only supported if model is deployed using decoupled mode"
STOPPED_WITHIN = 1.0  # seconds a client waits to hear that its answer was stopped
NUMPY = {
    "BYTES": np.object_,
    "INT32": np.int32,
    "UINT32": np.uint32,
    "BOOL": np.bool_,
    "FP32": np.float32,
    "UINT64": np.uint64,
}


def request_id() -> str:
    """An id that no other request has: a number below 2**63, since not every release takes any text for one.

    v0.5.0 to v0.7.2 refuse what is no number, v0.8.0 and v0.9.0 take the digits in front for the whole, so that two ids
    become one (triton-inference-server/tensorrtllm_backend@v0.7.2, @v0.9.0: inflight_batcher_llm/src/utils.cc).
    """
    return str(uuid.uuid4().int >> 65)


def stop(*, unsigned: bool = False) -> dict[str, tuple[str, list[Any]]]:
    """The tensors that end the answer to the request of the same id, as `Question.tensors` has them."""
    return {
        "input_ids": ("INT32", [0]),
        "input_lengths": ("INT32", [1]),
        "request_output_len": ("UINT32" if unsigned else "INT32", [1]),
        "stop": ("BOOL", [True]),
    }


def _inputs(client: Any, address: str, question: Question) -> list[triton.InferInput]:
    """The question as tritonclient's own tensors, under the names that the served model takes."""
    tensors = question.tensors()
    if unsettled(tensors):
        try:
            described = client.get_model_metadata(question.model)
        except InferenceServerException as error:
            raise trouble(error, address) from error
        tensors = settled(tensors, {tensor.name for tensor in described.inputs}, question.model)
    return [_input(name, kind, values) for name, (kind, values) in tensors.items()]


def _input(name: str, kind: str, values: list[Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, [1, len(values)], kind)
    tensor.set_data_from_numpy(np.array([values], dtype=NUMPY[kind]))
    return tensor


@dataclass
class Answer:
    """What came back: pieces of text, and when each came, in seconds after the question was sent."""

    pieces: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.pieces)

    @property
    def first(self) -> float:
        """Seconds to the first piece; 0 without one."""
        return self.times[0] if self.times else 0.0

    @property
    def between(self) -> float:
        """Mean seconds between pieces; 0 with fewer than two."""
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1) if len(self.times) > 1 else 0.0


def ask(
    address: str, question: Question, answer: Answer | None = None, timeout: float = 120.0
) -> Generator[str, None, None]:
    """Yields the answer's pieces as they arrive and notes them in `answer`; leaving the loop early cancels the request.

    `timeout` is in seconds, for each piece. Raises Unreachable, Refused or TimedOut.
    """
    noted = Answer() if answer is None else answer
    arrived: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
    client = triton.InferenceServerClient(address)
    identity = request_id()
    begun, over = time.perf_counter(), False
    try:
        inputs = _inputs(client, address, question)
        client.start_stream(callback=lambda result, error: arrived.put((result, error)))
        with suppress(InferenceServerException):  # a stream that is broken already has told the callback why
            client.async_stream_infer(
                question.model,
                inputs,
                request_id=identity,
                enable_empty_final_response=True,
            )
        while not over:
            piece, over = _next(arrived, address, question, noted, timeout)
            if piece:
                noted.pieces.append(piece)
                noted.times.append(time.perf_counter() - begun)
                yield piece
    finally:
        if not over:
            _stop(client, question, identity, arrived)
        client.stop_stream(cancel_requests=not over)
        client.close()


def ask_any(address: str, question: Question, answer: Answer) -> Generator[str, None, None]:
    """As `ask`, of a server of any release: one that takes unsigned numbers says so, and is asked again."""
    try:
        yield from ask(address, question, answer)
    except Refused as refusal:
        if answer.pieces or UNSIGNED not in str(refusal):
            raise
        yield from ask(address, replace(question, unsigned=True), answer)


def _stop(client: Any, question: Question, identity: str, arrived: queue.SimpleQueue[tuple[Any, Any]]) -> None:
    """Asks the engine to end the answer, and waits a moment for anything to come back after that."""
    tensors = stop(unsigned=question.unsigned)
    inputs = [_input(name, kind, values) for name, (kind, values) in tensors.items()]
    with suppress(InferenceServerException, queue.Empty):
        client.async_stream_infer(ENGINE, inputs, request_id=identity, enable_empty_final_response=True)
        ended = False
        while not ended:
            result, error = arrived.get(timeout=STOPPED_WITHIN)
            ended = error is not None or not result.get_response().outputs


def _next(
    arrived: queue.SimpleQueue[tuple[Any, Any]], address: str, question: Question, noted: Answer, timeout: float
) -> tuple[str, bool]:
    """The next piece of text (it may be empty), and whether it was the last."""
    try:
        result, error = arrived.get(timeout=timeout)
    except queue.Empty:
        raise TimedOut(f"no token from {question.model} for {timeout:g} s", where=address, mend="./inv logs") from None
    if error is not None:
        raise trouble(error, address)
    final = result.get_response().parameters.get("triton_final_response")
    output = result.as_numpy("text_output")
    text = "" if output is None or not output.size else output.reshape(-1)[0].decode("utf-8", "replace")
    return added(text, question, noted), bool(final and final.bool_param)


def added(text: str, question: Question, noted: Answer) -> str:
    """What a response adds. An accumulating model repeats itself, and may end inside a character until the next one."""
    return text.rstrip("\N{REPLACEMENT CHARACTER}")[len(noted.text) :] if question.accumulates else text


def ready(address: str) -> bool:
    """Whether the server says that it and all its models are ready."""
    client = triton.InferenceServerClient(address)
    try:
        return bool(client.is_server_ready(client_timeout=2.0))
    except InferenceServerException:
        return False
    finally:
        client.close()


def trouble(error: InferenceServerException, address: str) -> Trouble:
    """The error of a request in this project's words: nobody there, or refused with the server's own reason."""
    status, message = str(error.status() or ""), str(error.message() or error)
    if "UNAVAILABLE" in status:
        why = message.splitlines()[0] if message else ""
        return Unreachable(f"no Triton answers at {address}", why=why, mend="./inv status")
    mend = "ask in one piece: --no-stream" if NOT_DECOUPLED in message else "./inv logs"
    return Refused(f"Triton refused the request: {message}", where=address, mend=mend)
