"""An answer in one piece over Triton's HTTP generate extension; streaming goes over gRPC (`client.py`).

Protocol: triton-inference-server/server, docs/protocol/extension_generate.md.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

from environment.errors import Trouble
from recipes.client import ENGINE, STOPPED_WITHIN, Answer, Question, Refused, Unreachable, request_id, stop
from recipes.tensor_names import settled, unsettled

ITS_PORT = "./inv status   shows the HTTP ports; --url HOST:PORT wants that one with --no-stream"
LIMIT = 120.0  # seconds for the whole answer


def generate(address: str, question: Question) -> str:
    """The whole answer of the server at `address` (HOST:PORT of its HTTP).

    An interrupt ends the answer on the engine, too. Raises Unreachable, Refused or Trouble.
    """
    model = f"/v2/models/{question.model}"
    tensors, identity = question.tensors(), request_id()
    if unsettled(tensors):
        inputs = {tensor["name"] for tensor in told(address, "GET", model, "inputs")}
        tensors = settled(tensors, inputs, question.model)
    try:
        return str(told(address, "POST", f"{model}/generate", "text_output", body(tensors, identity)))
    except KeyboardInterrupt:
        with suppress(Trouble):
            told(address, "POST", f"/v2/models/{ENGINE}/generate", "model_name", body(stop(), identity), STOPPED_WITHIN)
        raise


def whole(address: str, question: Question, answer: Answer) -> Generator[str, None, None]:
    """The same as the one piece of a stream, noted in `answer` as `client.ask` notes its own."""
    begun = time.perf_counter()
    text = generate(address, question)
    answer.pieces.append(text)
    answer.times.append(time.perf_counter() - begun)
    yield text


def told(
    address: str, method: str, path: str, wanted: str, sent: Mapping[str, Any] | None = None, within: float = LIMIT
) -> Any:
    """The field of Triton's answer that is wanted; raises as `generate` does."""
    connection = http.client.HTTPConnection(address, timeout=within)
    try:
        connection.request(method, path, json.dumps(sent) if sent else None)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"no Triton answers at {address}", why=str(error), mend="./inv status") from error
    except ValueError as error:
        raise Trouble(f"what answers at {address} is not Triton's HTTP", why=str(error), mend=ITS_PORT) from error
    finally:
        connection.close()
    if not isinstance(said, dict):
        why = f"{path} is answered with {said!r:.80}"
        raise Trouble(f"what answers at {address} is not Triton's HTTP", why=why, mend=ITS_PORT)
    if answer.status != http.HTTPStatus.OK or wanted not in said:
        raise Refused(f"Triton refused the request: {said.get('error', said)}", where=address, mend="./inv logs")
    return said[wanted]


def body(tensors: Mapping[str, tuple[str, list[Any]]], identity: str) -> dict[str, Any]:
    """The request of that id: tensors of one value as plain values, and no streaming."""
    plain = {name: _plain(values) for name, (_, values) in tensors.items()}
    return {"id": identity, **plain, **({"stream": False} if "stream" in plain else {})}


def _plain(values: list[Any]) -> Any:
    readable = [value.decode() if isinstance(value, bytes) else value for value in values]
    return readable[0] if len(readable) == 1 else readable
