"""A conversation in the terminal: history through the model's own chat template; Ctrl-C ends an answer only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from environment.console import say
from environment.errors import Trouble, in_words
from recipes.ask import Manner, Target, pieces, show
from recipes.crash import Crashed
from recipes.prompt import ChatTemplate, chat_template
from recipes.runs import Run

HELP = "/clear forgets the conversation, /system TEXT sets what the model is told first, /quit or Ctrl-D ends"
Read = Callable[[], str]
Noticing = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What was said so far, and which server's end was told. Pure."""

    system: str = ""
    turns: tuple[tuple[str, str], ...] = field(default=())
    lost: Run | None = None

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


def chat(to: Target, manner: Manner, read: Read, noticing: Noticing = nullcontext) -> Talk:
    """Talks until the end of input; `read` gives the next line. Returns the conversation.

    It outlives its server, which may be served again meanwhile; `noticing` raises Crashed, as `crash.noticed` does.
    """
    template, talk = template_of(to), Talk(system=manner.system)
    say(HELP, style="dim")
    for line in lines(read):
        command, _, rest = line.partition(" ")
        if command == "/quit":
            break
        if command == "/clear":
            talk = replace(talk, turns=())
        elif command == "/system":
            talk = replace(talk, system=rest.strip())
        elif command.startswith("/"):
            say(f"there is no {command}: {HELP}")
        else:
            talk = answered(to, manner, template, talk, line, noticing)
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


def answered(to: Target, manner: Manner, template: ChatTemplate, talk: Talk, question: str, noticing: Noticing) -> Talk:
    """Shows the answer; Ctrl-C ends it on the server and keeps what was said; a failed one leaves no turn.

    Why a server has ended is told once.
    """
    from recipes.client import Answer

    answer = Answer()
    coming = pieces(to, template(talk.messages(question)), manner, answer)
    try:
        with noticing():
            text = show(coming)
    except KeyboardInterrupt:
        coming.close()
        say("interrupted: the server has stopped answering", style="dim")
        text = answer.text
    except Crashed as crashed:
        say(f"error: {in_words(crashed) if crashed.run != talk.lost else crashed.__cause__}")
        return replace(talk, lost=crashed.run)
    except Trouble as trouble:
        say(f"error: {trouble}")
        return talk
    return talk.after(question, text)
