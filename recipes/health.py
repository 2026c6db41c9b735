"""What a Triton says of its models, over HTTP (KServe v2 model repository extension: POST v2/repository/index)."""

from __future__ import annotations

import http.client

import msgspec

from recipes.ports import HOST

WITHIN = 2.0  # seconds


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the repository: READY, LOADING, UNAVAILABLE ..., and why; Triton leaves out what is not so."""

    name: str
    state: str = "UNKNOWN"
    reason: str = ""


def models(port: int) -> tuple[Served, ...]:
    """The models that the server at the HTTP port knows; none while it does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=WITHIN)
    try:
        connection.request("POST", "/v2/repository/index", body="{}")
        answer = connection.getresponse()
        return msgspec.json.decode(answer.read(), type=tuple[Served, ...]) if answer.status == 200 else ()
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return ()
    finally:
        connection.close()
