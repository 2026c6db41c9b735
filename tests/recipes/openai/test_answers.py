from __future__ import annotations

import json
from typing import Any

import pytest

from environment.errors import Trouble
from recipes.client import Refused, TimedOut, Unreachable
from recipes.openai.admission import Busy
from recipes.openai.answers import Events, Head, usage, whole
from recipes.openai.gateway import described
from recipes.openai.requests import BadRequest

CHAT = Head(id="chatcmpl-1", created=7, model="m", chat=True)
TEXT = Head(id="cmpl-1", created=7, model="m", chat=False)


def data(event: bytes) -> Any:
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    return json.loads(event[6:])


@pytest.mark.parametrize("text", ["hi", "猎豹🐆", '"\\\n\r\x00\u2028', "data: [DONE]\n\n", ""])
@pytest.mark.parametrize("head", [CHAT, TEXT])
def test_a_piece_is_one_event_whatever_it_holds(head: Head, text: str) -> None:
    event = Events(head).piece(text)
    assert b"\n" not in event[:-2]
    (choice,) = data(event)["choices"]
    assert (choice["delta"]["content"] if head.chat else choice["text"]) == text
    assert choice["finish_reason"] is None


def test_names_of_the_objects_are_openais() -> None:
    assert data(Events(CHAT).opening())["object"] == "chat.completion.chunk"
    assert data(Events(TEXT).closing("stop"))["object"] == "text_completion"
    assert Events(TEXT).opening() == b""
    assert json.loads(whole(CHAT, "x", "length", usage(2, 3))) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "x", "refusal": None},
                "logprobs": None,
                "finish_reason": "length",
            }
        ],
        "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
    }


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadRequest("x"), 400, "invalid_request_error"),
        (BadRequest("x", status=401), 401, "invalid_request_error"),
        (Busy(), 429, "rate_limit_error"),
        (Unreachable("x"), 503, "server_error"),
        (TimedOut("x"), 504, "server_error"),
        (Refused("x"), 500, "server_error"),
        (Trouble("x"), 500, "server_error"),
        (ValueError("x"), 500, "server_error"),
    ],
)
def test_every_error_has_a_status_and_openais_shape(error: Exception, status: int, kind: str) -> None:
    found, body, _ = described(error)
    assert found == status
    assert body["error"]["type"] == kind
    assert set(body["error"]) == {"message", "type", "param", "code"}
