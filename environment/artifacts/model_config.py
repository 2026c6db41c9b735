"""The door to Triton's ModelConfig: reads a config.pbtxt with the protobuf that Triton itself parses it with.

The message class is the one tritonclient ships (`tritonclient.grpc.model_config_pb2`); nothing else of tritonclient is
used here. Importing it costs 0.3 s, so it is imported when a model repository is first read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from environment.artifacts.heads import Damaged
from environment.data import Value

if TYPE_CHECKING:
    from tritonclient.grpc.model_config_pb2 import ModelConfig

SIZE_LIMIT = 1 << 20  # bytes
DEPTH_LIMIT = 64  # braces and brackets within one another


class Config(Value, frozen=True, kw_only=True, tag=True):
    """What a config.pbtxt says, of what a deployment must agree on; empty and 0 where it says nothing."""

    name: str = ""
    backend: str = ""
    platform: str = ""
    max_batch_size: int = 0
    decoupled: bool = False
    instances: int = 0
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    steps: tuple[str, ...] = ()

    def parameter(self, name: str) -> str:
        """A parameter's string value; '' if it is not there."""
        return dict(self.parameters).get(name, "")


def parse_config(text: str) -> Config | Damaged:
    """The ModelConfig in `text`; Damaged with line and column where Triton could not parse it either."""
    if len(text) > SIZE_LIMIT:
        return Damaged(f"config.pbtxt has {len(text)} characters; at most {SIZE_LIMIT} are read")
    if depth(text) > DEPTH_LIMIT:
        return Damaged(f"config.pbtxt is nested more than {DEPTH_LIMIT} deep")
    from google.protobuf import text_format
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    try:
        return _config(text_format.Parse(text, ModelConfig()))
    except (text_format.ParseError, ValueError, RecursionError) as error:
        return Damaged(f"config.pbtxt is no ModelConfig: {error}")


def depth(text: str) -> int:
    """How deep braces and brackets lie within one another, counting those in strings and comments too."""
    deepest = current = 0
    for character in text:
        current += (character in "{[<") - (character in "}]>")
        deepest = max(deepest, current)
    return deepest


def _config(message: ModelConfig) -> Config:
    return Config(
        name=message.name,
        backend=message.backend,
        platform=message.platform,
        max_batch_size=message.max_batch_size,
        decoupled=message.model_transaction_policy.decoupled,
        instances=sum(group.count or 1 for group in message.instance_group),
        inputs=tuple(tensor.name for tensor in message.input),
        outputs=tuple(tensor.name for tensor in message.output),
        parameters=tuple(sorted((key, value.string_value) for key, value in message.parameters.items())),
        steps=tuple(step.model_name for step in message.ensemble_scheduling.step),
    )
