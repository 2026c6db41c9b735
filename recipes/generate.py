"""An answer in one piece over Triton's HTTP generate extension; streaming goes over gRPC (`client.py`).

Protocol: triton-inference-server/server, docs/protocol/extension_generate.md.
"""

from __future__ import annotations

import http.client
import json
from typing import Any

from environment.errors import Trouble
from recipes.client import Question, Refused, Unreachable

LIMIT = 120.0  # seconds for the whole answer


def generate(address: str, question: Question) -> str:
    """The whole answer of the server at `address` (HOST:PORT of its HTTP); raises Unreachable, Refused or Trouble."""
    connection = http.client.HTTPConnection(address, timeout=LIMIT)
    try:
        connection.request("POST", f"/v2/models/{question.model}/generate", json.dumps(body(question)))
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"no Triton answers at {address}", why=str(error), mend="./inv status") from error
    except ValueError as error:
        raise Trouble(f"what answers at {address} is not Triton's HTTP", why=str(error)) from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Refused(f"Triton refused the request: {said.get('error', said)}", where=address, mend="./inv logs")
    return str(said["text_output"])


def body(question: Question) -> dict[str, Any]:
    """The request: the tensors of one value as plain values, and no streaming."""
    plain = {name: _plain(values) for name, (_, values) in question.tensors().items()}
    return {**plain, "stream": False}


def _plain(values: list[Any]) -> Any:
    readable = [value.decode() if isinstance(value, bytes) else value for value in values]
    return readable[0] if len(readable) == 1 else readable
