"""Asks a running server a question and shows the answer as it arrives."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from environment.console import result_json, say, write
from environment.errors import Trouble, Usage
from recipes.ends import UNSAID, ends
from recipes.prompt import prompt
from recipes.recipe import AS_IT_SAYS, Chat, chat_of
from recipes.runs import Run
from recipes.stops import Stops

if TYPE_CHECKING:
    from recipes.client import Answer

USUAL = "ensemble"  # the model of a repository that is asked unless something else is said
RANGES: Mapping[str, tuple[int, int | None]] = MappingProxyType({"max_tokens": (1, None), "top_p": (0, 1)})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which model at which address; `tokenizer` is the folder whose chat template the question goes through.

    `chat` is what its recipe says beside that.
    `whole`: it is asked over HTTP and answers in one piece, because its decoupled mode is off.
    """

    address: str
    http: str = ""
    model: str = USUAL
    accumulates: bool = False
    tokenizer: str = ""
    whole: bool = False
    chat: Chat = AS_IT_SAYS


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How an answer is to be made: its limits, its sampling (`options` are fields of a Question), its stop words."""

    max_tokens: int = 128
    stop: tuple[str, ...] = ()
    system: str = ""
    options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("max_tokens", self.max_tokens), *self.options):
            least, most = RANGES.get(name, (0, None))
            if value is not None and (value < least or (most is not None and value > most)):
                wanted = f"between {least} and {most}" if most is not None else f"{least} or more"
                flag = f"--{name.replace('_', '-')}"
                raise Usage(f"{flag} {value:g} is not {wanted}", mend=f"leave it out, or say {flag} {most or least}")


def target(run: Run) -> Target:
    """The target that a recorded server is."""
    http = f"{run.address.rpartition(':')[0]}:{run.http}"
    return Target(
        address=run.address,
        http=http,
        model=run.model,
        accumulates=run.accumulates,
        tokenizer=run.tokenizer,
        chat=run.chat,
    )


def elsewhere(url: str, *, name: str, model: str, accumulates: bool, model_dir: str, recipe: str) -> Target | None:
    """What `--url` names; None without it. Raises Usage for words that say something only with it, or only without."""
    told = {"--model": model, "--accumulates": accumulates, "--model-dir": model_dir, "--recipe": recipe}
    if not url:
        if idle := [flag for flag, value in told.items() if value]:
            why = "a recorded server says itself which model it serves, and how that is talked to"
            mend = "say where that is, too: --url HOST:PORT; or leave it out"
            raise Usage(f"{' and '.join(idle)} without --url would be ignored", why=why, mend=mend)
        return None
    if name:
        raise Usage(f"--name {name} is a recorded server, --url {url} any other", mend="say one of them")
    chat = chat_of(recipe) if recipe else AS_IT_SAYS
    return Target(address=url, model=model or USUAL, accumulates=accumulates, tokenizer=model_dir, chat=chat)


def show_answer(to: Target, question: str, manner: Manner | None = None) -> Answer:
    """Streams the answer to standard output and says how fast it came; raises Trouble when none comes."""
    from recipes.client import Answer

    manner, answer = manner or Manner(), Answer()
    show(pieces(to, text_of(to, question, manner), manner, answer))
    if not answer.text.strip():
        mend = "./inv quality   says whether it answers as its checkpoint does; --min-tokens 8 makes it go on"
        raise Trouble("the model ended its answer without a word", where=f"{to.model} at {to.address}", mend=mend)
    milliseconds = f"first after {answer.first * 1e3:.0f} ms, then one every {answer.between * 1e3:.1f} ms"
    say(f"{len(answer.pieces)} pieces: {milliseconds}", style="dim")
    return answer


def show_data(to: Target, question: str, manner: Manner) -> None:
    """The answer and its times as one JSON document; `pieces` are as they came, times in seconds from the question."""
    from recipes.client import Answer

    answer = Answer()
    text = "".join(pieces(to, text_of(to, question, manner), manner, answer))
    times = {"first": answer.first, "between": answer.between, "each": answer.times}
    document = {"question": question, "answer": text, "model": to.model, "pieces": len(answer.pieces), "seconds": times}
    result_json("answer/1", document)


def show_whole(to: Target, question: str, manner: Manner) -> None:
    """The answer of a target that gives it in one piece, without a word on how fast its pieces came."""
    from recipes.client import Answer

    show(pieces(to, text_of(to, question, manner), manner, Answer()))


def text_of(to: Target, question: str, manner: Manner) -> str:
    """The prompt: through the target's chat template when it has one."""
    if to.tokenizer:
        return prompt(question, Path(to.tokenizer), manner.system, to.chat)
    return f"{manner.system}\n{question}" if manner.system else question


def pieces(to: Target, text: str, manner: Manner, answer: Answer) -> Generator[str, None, None]:
    """The pieces of the answer to a prompt up to the first stop word; `answer` notes when each came."""
    from recipes.client import Question, ask_any
    from recipes.generate import whole

    asked = Question(prompt=text, max_tokens=manner.max_tokens, model=to.model, accumulates=to.accumulates)
    end = ends(Path(to.tokenizer)) if to.tokenizer else UNSAID
    asked = replace(asked, **dict(manner.options), end_id=end.id, stop_words=end.words)
    stops = Stops((*manner.stop, *to.chat.stop, *end.words))
    coming = whole(to.http or to.address, asked, answer) if to.whole else ask_any(to.address, asked, answer)
    for piece in coming:
        yield stops.push(piece)
        if stops.met:
            coming.close()
            return
    yield stops.rest()


def show(texts: Iterator[str]) -> str:
    """Writes texts to standard output as they come, without white space before the first; what was written.

    The line ends also where an interrupt or a failure ends the answer: what is said of that begins a line of its own.
    """
    shown = ""
    try:
        for text in texts:
            new = text if shown else text.lstrip()
            shown += new
            write(new)
    except KeyboardInterrupt:
        write("\n")
        raise
    except Trouble:
        if shown:
            write("\n")
        raise
    write("\n")
    return shown
