"""A conversation in the terminal: history through the model's own chat template; Ctrl-C ends an answer only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from environment.console import say
from environment.errors import Trouble
from recipes.ask import Manner, Target, pieces, show
from recipes.prompt import ChatTemplate, chat_template

HELP = "/clear forgets the conversation, /system TEXT sets what the model is told first, /quit or Ctrl-D ends"
Read = Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What was said so far. Pure."""

    system: str = ""
    turns: tuple[tuple[str, str], ...] = field(default=())

    def messages(self, question: str) -> list[dict[str, str]]:
        """The conversation with one more question, as a chat template takes it."""
        said = [{"role": role, "content": text} for role, text in self.turns]
        first = [{"role": "system", "content": self.system}] if self.system else []
        return [*first, *said, {"role": "user", "content": question}]

    def after(self, question: str, answer: str) -> Talk:
        """With one more question and its answer."""
        return replace(self, turns=(*self.turns, ("user", question), ("assistant", answer)))


def template_of(to: Target) -> ChatTemplate:
    """The chat template of what is served; raises Trouble when there is none."""
    found = chat_template(Path(to.tokenizer), to.chat) if to.tokenizer else None
    if found is None:
        mend = './inv ask "..."   asks without one; with --url, name the checkpoint: --model-dir DIR'
        raise Trouble("a chat needs the checkpoint's chat template, and there is none", where=to.tokenizer, mend=mend)
    return found


def chat(to: Target, manner: Manner, read: Read) -> Talk:
    """Talks until the end of input; `read` gives the next line. Returns the conversation."""
    template, talk = template_of(to), Talk(system=manner.system)
    say(HELP, style="dim")
    for line in lines(read):
        command, _, rest = line.partition(" ")
        if command == "/quit":
            break
        if command == "/clear":
            talk = Talk(system=talk.system)
        elif command == "/system":
            talk = replace(talk, system=rest.strip())
        elif command.startswith("/"):
            say(f"there is no {command}: {HELP}")
        else:
            talk = answered(to, manner, template, talk, line)
    return talk


def lines(read: Read) -> Iterator[str]:
    """The lines that hold something, until the input or the patience ends (Ctrl-D, Ctrl-C at the prompt)."""
    while True:
        try:
            line = read().strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line:
            yield line


def answered(to: Target, manner: Manner, template: ChatTemplate, talk: Talk, question: str) -> Talk:
    """Shows the answer; Ctrl-C ends it on the server and keeps what was said; a failed one leaves no turn."""
    from recipes.client import Answer

    answer = Answer()
    coming = pieces(to, template(talk.messages(question)), manner, answer)
    try:
        text = show(coming)
    except KeyboardInterrupt:
        coming.close()
        say("interrupted: the server has stopped answering", style="dim")
        text = answer.text
    except Trouble as trouble:
        say(f"error: {trouble}")
        return talk
    return talk.after(question, text)
