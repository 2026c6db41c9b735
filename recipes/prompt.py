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
from recipes.recipe import AS_IT_SAYS, Chat

if TYPE_CHECKING:
    from jinja2 import Template

Messages = Sequence[Mapping[str, str]]  # each with `role` (system, user, assistant) and `content`


class ChatTemplate:
    """A checkpoint's chat template, compiled once. `special_tokens`: `eos_token` and its like -> their text."""

    def __init__(self, text: str, special_tokens: Mapping[str, str], where: str) -> None:
        self.text, self.special_tokens, self.where = text, special_tokens, where

    @cached_property
    def _compiled(self) -> Template:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        return environment.from_string(self.text)

    def __call__(self, messages: Messages) -> str:
        """The conversation as the template writes it, open for the next answer; raises Trouble where it fails."""
        from jinja2 import TemplateError

        try:
            return self._compiled.render(messages=messages, add_generation_prompt=True, **self.special_tokens)
        except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            mend = "correct it there, or bring another in a recipe: ./inv recipe --new NAME --from RECIPE"
            raise Trouble(f"the checkpoint's chat template fails: {error}", where=self.where, mend=mend) from error


def chat_template(folder: Path, chat: Chat = AS_IT_SAYS) -> ChatTemplate | None:
    """The chat template of the checkpoint in `folder`, or the one its recipe brings; None when there is none."""
    tokenizer = read_tokenizer(folder)
    if not isinstance(tokenizer, Tokenizer):
        return None
    text = "" if chat.raw else chat.template or tokenizer.chat_template
    return ChatTemplate(text, tokenizer.special_tokens, str(folder)) if text else None


def prompt(question: str, folder: Path, system: str = "", chat: Chat = AS_IT_SAYS) -> str:
    """The text to send for one `question` to a model with the tokenizer in `folder`."""
    template = chat_template(folder, chat)
    if template is None:
        return f"{system}\n{question}" if system else question
    messages = [{"role": "system", "content": system}] if system else []
    return template([*messages, {"role": "user", "content": question}])


def _refuse(message: str) -> NoReturn:
    """What chat templates call for a conversation they do not take."""
    raise ValueError(message)
