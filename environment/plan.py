"""What will be done, as values: a `Plan` of `Step`s. Nothing here runs anything; `str(plan)` is shell one can paste."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Where = Literal["host", "container"]
NOTHING: Mapping[str, str] = MappingProxyType({})
IN_IMAGE = "in_image"  # the name of the shell function that runs its words in the image
WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, where it runs, and what it leaves behind.

    `tool` names the contract its arguments are checked against (`convert_checkpoint-qwen`, `trtllm-build`) or the
    program. `output` is the path whose presence makes the step finished; without one it always runs. The workspace has
    the same path on the host and in a container, so that one path serves both. `why` is said beside the title.
    """

    title: str
    tool: str
    argv: tuple[str, ...]
    where: Where = "host"
    env: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    output: str = ""
    why: str = ""

    def shell(self) -> str:
        """The step as one POSIX shell command."""
        settings = tuple(f"{name}={value}" for name, value in self.env.items())
        if self.where == "container":
            return _folded((IN_IMAGE, *(("env", *settings) if settings else ()), *self.argv))
        return " ".join([*(shlex.quote(setting) for setting in settings), _folded(self.argv)])

    def data(self) -> dict[str, object]:
        """The step as the `steps` rows of the `plan/1` schema have it."""
        return {
            "title": self.title,
            "where": self.where,
            "tool": self.tool,
            "argv": list(self.argv),
            "env": dict(self.env),
            "output": self.output,
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a task will do, in order. `in_image` are the words that run what follows them in the image."""

    purpose: str
    release: str
    recipe: str = ""
    in_image: tuple[str, ...] = ()
    steps: tuple[Step, ...]
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def words(self, step: Step) -> tuple[str, ...]:
        """The words of the process that this host starts for the step."""
        if step.where == "host":
            return step.argv
        settings = tuple(word for name, value in step.env.items() for word in ("--env", f"{name}={value}"))
        return (*self.in_image[:-1], *settings, *self.in_image[-1:], *step.argv)

    def data(self) -> dict[str, object]:
        """The plan under the `plan/1` schema."""
        templates = {model: dict(values) for model, values in self.templates.items()}
        steps = [step.data() for step in self.steps]
        return {"release": self.release, "recipe": self.recipe, "steps": steps, "templates": templates}

    def __str__(self) -> str:
        function = f'{IN_IMAGE}() {{\n    {_folded(self.in_image, "        ")} "$@"\n}}\n'
        blocks = [_block(number, len(self.steps), step) for number, step in enumerate(self.steps, 1)]
        head = f"#!/bin/sh\n# {self.purpose}\nset -eu\n"
        return "\n".join([head, *([function] if self.in_image else []), *blocks])


def _block(number: int, count: int, step: Step) -> str:
    why = f"\n#      {step.why}" if step.why else ""
    title = f"# {number}/{count} {step.title}{why}"
    command = step.shell()
    if step.output:
        return f"{title}\n[ -e {shlex.quote(step.output)} ] ||\n    {command}\n"
    return f"{title}\n{command}\n"


def _folded(argv: tuple[str, ...], indent: str = "        ") -> str:
    """Quoted words, broken before a flag (or mpirun's colon) wherever the line would grow too long."""
    lines = [""]
    for word in argv:
        quoted = shlex.quote(word)
        fresh = (word.startswith("-") or word == ":") and len(lines[-1]) + len(quoted) > WIDTH - 40
        if fresh:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + quoted
    return f" \\\n{indent}".join(lines)
