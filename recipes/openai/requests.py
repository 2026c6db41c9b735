"""What a client asks, read strictly: OpenAI's fields become one value; what cannot be honoured is refused. Pure.

Fields: https://platform.openai.com/docs/api-reference/chat/create and .../completions/create.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from environment.data import Record

T = TypeVar("T")
# Without influence on an answer: taken and left alone.
IGNORED = frozenset(
    {
        "metadata",
        "name",
        "parallel_tool_calls",
        "prompt_cache_key",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
# Not supported: refused, unless the value is the one that changes nothing.
NEUTRAL: Mapping[str, Sequence[object]] = {
    "best_of": (None, 1),
    "echo": (None, False),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "n": (None, 1),
    "presence_penalty": (None, 0),
    "response_format": (None, {"type": "text"}),
    "suffix": (None, ""),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
}


class BadRequest(Exception):
    """The request cannot be answered as it is; `parameter` names the field, `status` is HTTP's."""

    def __init__(self, message: str, *, parameter: str | None = None, code: str | None = None, status: int = 400):
        super().__init__(message)
        self.parameter, self.code, self.status = parameter, code, status


class StreamOptions(Record, frozen=True, kw_only=True):
    """`include_usage` asks for one more event at the end, with the token counts."""

    include_usage: bool = False
    include_obfuscation: bool = False


Count = Annotated[int, Meta(ge=1)]
Stop = str | Annotated[list[str], Meta(max_length=4)]


class Common(Record, frozen=True, kw_only=True):
    """What both kinds of request have. `top_k` and `min_tokens` are extensions that others have too."""

    model: str
    max_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_tokens: Annotated[int, Meta(ge=0)] | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None
    stop: Stop | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def stop_words(self) -> tuple[str, ...]:
        """The stop words, however they were written."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def with_usage(self) -> bool:
        """Whether a stream is to end with the token counts."""
        return bool(self.stream_options and self.stream_options.include_usage)


class Completion(Common, frozen=True, kw_only=True):
    """A text to be continued."""

    prompt: str | Annotated[list[str], Meta(min_length=1, max_length=1)]

    @property
    def text(self) -> str:
        """The one prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class Part(Record, frozen=True, kw_only=True):
    """A piece of a message; only text can be read."""

    type: Literal["text"]
    text: str


class Message(Record, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    def plain(self) -> dict[str, str]:
        """The message as chat templates take it: they know no developer."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class Chat(Common, frozen=True, kw_only=True):
    """A conversation to be answered."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_completion_tokens: Count | None = None

    @property
    def limit(self) -> int | None:
        """The longest answer asked for; `max_tokens` is its older name."""
        return self.max_completion_tokens or self.max_tokens


def read_completion(body: bytes) -> Completion:
    """The body of /v1/completions; raises BadRequest."""
    return _converted(_fields(body), Completion)


def read_chat(body: bytes) -> Chat:
    """The body of /v1/chat/completions; raises BadRequest."""
    fields = _fields(body)
    messages = fields.get("messages")
    if isinstance(messages, list):
        fields["messages"] = [_without_ignored(said) if isinstance(said, dict) else said for said in messages]
    return _converted(fields, Chat)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON object: {error}") from error
    for name, harmless in NEUTRAL.items():
        if fields.pop(name, None) not in harmless:
            raise BadRequest(f"{name} is not supported by this server", parameter=name, code="unsupported_parameter")
    return _without_ignored(fields)


def _without_ignored(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in IGNORED}


def _converted(fields: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error), parameter=_parameter(str(error))) from error


def _parameter(message: str) -> str | None:
    """The field that msgspec's message ends with: "... - at `$.temperature`"."""
    _, found, path = message.rpartition("at `$.")
    return path.rstrip("`").split(".")[0].split("[")[0] if found else None
