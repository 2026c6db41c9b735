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
WIDTH, FLAG_WIDTH = 110, 80  # columns: where a line of shell is broken, and where before a flag


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, where it runs, and what it leaves behind.

    `tool` names the contract its arguments are checked against (`convert_checkpoint-qwen`, `trtllm-build`) or the
    program. `output` is the path whose presence makes the step finished; without one it always runs. `needed_for` is
    the later artifact that it is made for: when that is there, the step is superfluous. `there` are words that
    succeed when what the step makes is there and is no path. `explains` is a step whose own words say what is wrong
    and what mends it: they are shown whole, and no cause is looked for in them. The workspace has the same path on
    the host and in a container, so that one path serves both. `why` is said beside the title. `gpus` is the value of
    `docker run --gpus` for a container that is given other GPUs than the plan's.
    """

    title: str
    tool: str
    argv: tuple[str, ...]
    where: Where = "host"
    env: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    output: str = ""
    needed_for: str = ""
    there: tuple[str, ...] = ()
    why: str = ""
    gpus: str = ""
    explains: bool = False

    def shell(self, names: Mapping[str, str] = NOTHING) -> str:
        """The step as one POSIX shell command, in which each path of `names` is spelled as its shell variable."""
        settings = tuple(f"{name}={value}" for name, value in self.env.items())
        if self.where == "container":
            return _folded((IN_IMAGE, *(("env", *settings) if settings else ()), *self.argv), names)
        return " ".join([*(_quoted(setting, names) for setting in settings), _folded(self.argv, names)])

    @property
    def outputs(self) -> tuple[str, ...]:
        """The paths of which any one, when it is there, makes the step unnecessary."""
        return tuple(dict.fromkeys(path for path in (self.output, self.needed_for) if path))

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
    """Everything a task will do, in order.

    `in_image` are the words that run what follows them in the image. `names` are paths worth a shell variable. `last`
    are steps that are done at the end however it ends, such as giving back what was taken. `notes` are lines for who
    reads the plan.
    """

    purpose: str
    release: str
    recipe: str = ""
    in_image: tuple[str, ...] = ()
    steps: tuple[Step, ...]
    last: tuple[Step, ...] = ()
    names: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def words(self, step: Step) -> tuple[str, ...]:
        """The words of the process that this host starts for the step."""
        if step.where == "host":
            return step.argv
        settings = tuple(word for name, value in step.env.items() for word in ("--env", f"{name}={value}"))
        image = _with_gpus(self.in_image, step.gpus)
        return (*image[:-1], *settings, *image[-1:], *step.argv)

    def shell(self, step: Step) -> str:
        """The step as one shell command of the script that the plan is."""
        return _folded(self.words(step), self.names) if step.gpus else step.shell(self.names)

    def data(self) -> dict[str, object]:
        """The plan under the `plan/1` schema."""
        templates = {model: dict(values) for model, values in self.templates.items()}
        steps = [step.data() for step in self.steps]
        said = {"purpose": self.purpose, "release": self.release, "recipe": self.recipe, "notes": list(self.notes)}
        return {**said, "steps": steps, "templates": templates}

    def __str__(self) -> str:
        notes = "".join(f"{_comment(note)}\n" for note in self.notes)
        head = f"#!/bin/sh\n{_comment(self.purpose)}\n{notes}# Run it in the project's folder.\nset -eu\n"
        names = "".join(f"{name}={shlex.quote(path)}\n" for name, path in self.names.items())
        function = f'{IN_IMAGE}() {{\n    {_folded(self.in_image, self.names)} "$@"\n}}\n' if self.in_image else ""
        function += _trap(self.last, self.names) if self.last else ""
        blocks = [_block(number, self, step) for number, step in enumerate(self.steps, 1)]
        return "\n".join(part for part in (head, names, function, *blocks) if part)


def _trap(steps: tuple[Step, ...], names: Mapping[str, str]) -> str:
    """What a shell does at its end, however it ends: it keeps one such command only."""
    title = "; ".join(step.title for step in steps)
    done = shlex.quote("; ".join(step.shell(names) for step in steps))
    return f"{_comment(f'However this ends: {title}')}\ntrap {done} EXIT\n"


def _block(number: int, plan: Plan, step: Step) -> str:
    why = f"\n{_comment(step.why, indent=6)}" if step.why else ""
    tests = "".join(f"[ -e {_quoted(path, plan.names)} ] || " for path in step.outputs)
    tests += f"{_folded(step.there, plan.names)} >/dev/null 2>&1 || " if step.there else ""
    guard = f"{tests.rstrip()}\n    " if tests else ""
    title = _comment(f"{number}/{len(plan.steps)} {step.title}")
    return f"{title}{why}\n{guard}{plan.shell(step)}\n"


def _comment(text: str, indent: int = 1) -> str:
    """A comment of the shell: one line, whatever a recipe's title holds, since the next one would be run."""
    return f"#{' ' * indent}{' '.join(text.splitlines())}"


def _with_gpus(words: tuple[str, ...], gpus: str) -> tuple[str, ...]:
    """The words of `docker run` with these GPUs, if any are named; a host without GPUs is not asked for any."""
    if not gpus:
        return words
    return tuple(gpus if before == "--gpus" else word for before, word in zip(("", *words), words, strict=False))


def _quoted(word: str, names: Mapping[str, str]) -> str:
    """The word quoted for the shell, with the longest known paths spelled as their variables."""
    for name, path in sorted(names.items(), key=lambda item: -len(item[1])):
        before, found, after = word.partition(path)
        if found:
            sides = (_quoted(side, names) if side else "" for side in (before, after))
            return f'"${name}"'.join(sides)
    return shlex.quote(word)


def _folded(argv: tuple[str, ...], names: Mapping[str, str]) -> str:
    """Quoted words on lines of bearable length, broken before a flag, mpirun's colon, or what would not fit."""
    lines = [""]
    for word in argv:
        quoted = _quoted(word, names)
        full = FLAG_WIDTH if word.startswith("-") else WIDTH
        if lines[-1] and (word == ":" or len(lines[-1]) + len(quoted) > full):
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + quoted
    return " \\\n        ".join(lines)
