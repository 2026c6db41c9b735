"""Answers and errors in OpenAI's shapes, as bytes. Pure.

Shapes: https://platform.openai.com/docs/api-reference/chat/object, .../chat-streaming, .../completions/object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

encode = msgspec.json.encode
DONE = b"data: [DONE]\n\n"
MARK = "\N{NULL}"  # stands where a piece's text goes; JSON writes it as an escape that no other text here holds


@dataclass(frozen=True, kw_only=True)
class Head:
    """What every object of one answer begins with. `created` is in seconds since the epoch."""

    id: str
    created: int
    model: str
    chat: bool

    def data(self, *, stream: bool) -> dict[str, Any]:
        """The fields, with the object's name: a streamed completion is called as a whole one is, a chat is not."""
        name = ("chat.completion.chunk" if stream else "chat.completion") if self.chat else "text_completion"
        return {"id": self.id, "object": name, "created": self.created, "model": self.model}


def usage(prompt: int, completion: int) -> dict[str, int]:
    """Token counts."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def whole(head: Head, text: str, reason: str, counts: Mapping[str, int]) -> bytes:
    """An answer in one piece."""
    said = {"message": {"role": "assistant", "content": text, "refusal": None}} if head.chat else {"text": text}
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": reason}
    return encode({**head.data(stream=False), "choices": [choice], "usage": counts})


class Events:
    """The server-sent events of one answer; what does not change between its pieces is encoded once."""

    def __init__(self, head: Head) -> None:
        self._head = head
        before, _, after = self._event(self._said(MARK), None).partition(encode(MARK))
        self._before, self._after = before, after

    def opening(self) -> bytes:
        """A chat's first event names the speaker; a completion has none."""
        return self._event({"delta": {"role": "assistant", "content": ""}}, None) if self._head.chat else b""

    def piece(self, text: str) -> bytes:
        """More text."""
        return self._before + encode(text) + self._after

    def closing(self, reason: str) -> bytes:
        """Why the answer ends: `stop` or `length`."""
        return self._event({"delta": {}} if self._head.chat else {"text": ""}, reason)

    def usage(self, counts: Mapping[str, int]) -> bytes:
        """The token counts, which come after the last choice."""
        return event({**self._head.data(stream=True), "choices": [], "usage": counts})

    def _said(self, text: str) -> dict[str, Any]:
        return {"delta": {"content": text}} if self._head.chat else {"text": text}

    def _event(self, said: Mapping[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": reason}
        return event({**self._head.data(stream=True), "choices": [choice]})


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + encode(value) + b"\n\n"


def error(message: str, kind: str, parameter: str | None = None, code: str | None = None) -> dict[str, Any]:
    """An error object (https://platform.openai.com/docs/guides/error-codes)."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def models(name: str, created: int) -> bytes:
    """The list of the one model that is served."""
    return encode({"object": "list", "data": [model(name, created)]})


def model(name: str, created: int) -> dict[str, Any]:
    """The one model."""
    return {"id": name, "object": "model", "created": created, "owned_by": "triton"}
