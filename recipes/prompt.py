"""The prompt for a conversation: through the checkpoint's own chat template, in a sandbox, when it has one.

Upstream's preprocessing sends text to the tokenizer as it is, so the template is applied before: a rehearsed and a real
server need no difference. As transformers does it: src/transformers/utils/chat_template_utils.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.errors import Trouble

if TYPE_CHECKING:
    from jinja2 import Template

Messages = Sequence[Mapping[str, str]]  # each with `role` (system, user, assistant) and `content`


class ChatTemplate:
    """A checkpoint's chat template, compiled once."""

    def __init__(self, tokenizer: Tokenizer, where: str) -> None:
        self.tokenizer, self.where = tokenizer, where

    @cached_property
    def _compiled(self) -> Template:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        return environment.from_string(self.tokenizer.chat_template)

    def __call__(self, messages: Messages) -> str:
        """The conversation as the template writes it, open for the next answer; raises Trouble where it fails."""
        from jinja2 import TemplateError

        tokens = self.tokenizer.special_tokens
        try:
            return self._compiled.render(messages=messages, add_generation_prompt=True, **tokens)
        except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise Trouble(f"the checkpoint's chat template fails: {error}", where=self.where) from error


def chat_template(folder: Path) -> ChatTemplate | None:
    """The chat template of the checkpoint in `folder`; None when it has none."""
    tokenizer = read_tokenizer(folder)
    if not isinstance(tokenizer, Tokenizer) or not tokenizer.chat_template:
        return None
    return ChatTemplate(tokenizer, str(folder))


def prompt(question: str, folder: Path, system: str = "") -> str:
    """The text to send for one `question` to a model with the tokenizer in `folder`."""
    template = chat_template(folder)
    if template is None:
        return f"{system}\n{question}" if system else question
    messages = [{"role": "system", "content": system}] if system else []
    return template([*messages, {"role": "user", "content": question}])


def _refuse(message: str) -> NoReturn:
    """What chat templates call for a conversation they do not take."""
    raise ValueError(message)
