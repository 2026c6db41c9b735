"""The prompt for a question: through the checkpoint's own chat template, in a sandbox, when it has one.

Upstream's preprocessing sends text to the tokenizer as it is, so the template is applied before: a rehearsed and a real
server need no difference. As transformers does it: src/transformers/utils/chat_template_utils.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.errors import Trouble


def prompt(question: str, folder: Path, system: str = "") -> str:
    """The text to send for `question` to a model with the tokenizer in `folder`."""
    tokenizer = read_tokenizer(folder)
    if not isinstance(tokenizer, Tokenizer) or not tokenizer.chat_template:
        return f"{system}\n{question}" if system else question
    return rendered(tokenizer, question, system, str(folder))


def rendered(tokenizer: Tokenizer, question: str, system: str, where: str) -> str:
    """The conversation of one question as the chat template writes it."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": question})
    try:
        template = environment.from_string(tokenizer.chat_template)
        return template.render(messages=messages, add_generation_prompt=True, **tokenizer.special_tokens)
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Trouble(f"the checkpoint's chat template fails: {error}", where=where) from error


def _refuse(message: str) -> NoReturn:
    """What chat templates call for a conversation they do not take."""
    raise ValueError(message)
