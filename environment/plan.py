"""What will be done, as values: a `Plan` of `Step`s. Nothing here runs anything; `str(plan)` is shell one can paste."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Where = Literal["host", "container"]
NO_ENV: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, where it runs, and what it leaves behind.

    `tool` names the contract its arguments are checked against (`convert_checkpoint-qwen`, `trtllm-build`) or the host
    program. `output` is the path (as seen where the step runs) whose presence makes the step finished; without one
    it always runs.
    """

    title: str
    tool: str
    argv: tuple[str, ...]
    where: Where = "host"
    env: Mapping[str, str] = field(default_factory=lambda: NO_ENV)
    output: str = ""

    def shell(self, container: str = "in_image") -> str:
        """The step as one POSIX shell command; `container` is the shell function that runs words in the image."""
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        if self.where == "container":
            return " ".join([container, *(["env", *settings] if settings else []), _folded(self.argv)])
        return " ".join([*settings, _folded(self.argv)])


def _folded(argv: tuple[str, ...], width: int = 100) -> str:
    """Quoted words, continued with a backslash before each flag once the line is long."""
    line = shlex.join(argv)
    if len(line) <= width:
        return line
    words = [("\\\n    " if word.startswith("-") else "") + shlex.quote(word) for word in argv]
    return " ".join(words)
