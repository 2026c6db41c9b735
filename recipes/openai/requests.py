"""What a client asks, read strictly: OpenAI's fields become one value; what cannot be honoured is refused. Pure.

Fields: https://platform.openai.com/docs/api-reference/chat/create and .../completions/create.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from environment.data import Record

T = TypeVar("T")
SHOWN = 60  # characters of a value that is refused
FIELD = re.compile(r"field `([^`]+)`$|at `\$\.(\w+)[^`]*`$")  # how msgspec's messages end
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
# What an answer's message has beside its text, and a client sends back with the conversation.
NEUTRAL_IN_MESSAGES: Mapping[str, Sequence[object]] = {
    "annotations": (None, []),
    "audio": (None,),
    "function_call": (None,),
    "refusal": (None,),
    "tool_calls": (None, []),
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


LARGEST = 2**31 - 1  # what Triton's INT32 holds
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
Text = Annotated[str, Meta(min_length=1)]
Stop = str | Annotated[list[str], Meta(max_length=4)]


class Common(Record, frozen=True, kw_only=True):
    """What both kinds of request have. `top_k` and `min_tokens` are extensions that others have too."""

    model: str
    max_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=LARGEST)] | None = None
    min_tokens: Annotated[int, Meta(ge=0, le=LARGEST)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    stop: Stop | None = None
    stream: bool | None = None
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

    prompt: Text | Annotated[list[Text], Meta(min_length=1, max_length=1)]

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
        fields["messages"] = [_settled(said, NEUTRAL_IN_MESSAGES) for said in messages]
    return _converted(fields, Chat)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON object: {error}") from error
    settled: dict[str, Any] = _settled(fields, NEUTRAL)
    return settled


def _settled(fields: Any, neutral: Mapping[str, Sequence[object]]) -> Any:
    """What is left to be read of an object: nothing that changes no answer. Raises BadRequest for what would."""
    if not isinstance(fields, dict):
        return fields
    for name, harmless in neutral.items():
        if (value := fields.get(name)) not in harmless:
            only = "".join(f" or say {msgspec.json.encode(said).decode()}" for said in harmless[1:])
            message = f"{name} {shortened(value)} is not supported by this server; leave it out{only}"
            raise BadRequest(message, parameter=name, code="unsupported_parameter")
    return {key: value for key, value in fields.items() if key not in neutral and key not in IGNORED}


def shortened(value: object) -> str:
    """A value as JSON, its beginning where it is long."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _converted(fields: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error), parameter=_parameter(str(error))) from error


def _parameter(message: str) -> str | None:
    """The field that msgspec's message ends with: "... - at `$.temperature`" or "... unknown field `x`"."""
    found = FIELD.search(message)
    return found and (found[1] or found[2])
