"""What a gateway serves: one model of one Triton, with the checkpoint's chat template and tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from recipes.client import Question
from recipes.ends import UNSAID, Ends, ends
from recipes.openai.requests import BadRequest, Chat, Common, Completion
from recipes.prompt import ChatTemplate, chat_template
from recipes.runs import Run

COMPLETION_TOKENS = 16  # OpenAI's own default for /v1/completions
CHAT_TOKENS = 1024  # what a chat may take when it does not say; less where the model holds less


@dataclass(frozen=True, kw_only=True)
class Served:
    """`name` is what clients call it, `model` what Triton does. `positions` are prompt and answer together, in tokens;
    `count` gives a text's tokens. Either may be None: not known. `stop` are words that end every answer."""

    name: str
    model: str
    address: str
    metrics: int
    created: int
    accumulates: bool = False
    positions: int | None = None
    count: Callable[[str], int] | None = None
    template: ChatTemplate | None = None
    end: Ends = UNSAID
    stop: tuple[str, ...] = ()

    def tokens(self, text: str) -> int:
        """How many tokens a text is; 0 where the tokenizer cannot be read here."""
        return self.count(text) if self.count else 0

    def conversation(self, asked: Chat) -> str:
        """The prompt of a conversation; raises BadRequest when the checkpoint has no chat template."""
        if self.template is None:
            raise BadRequest("the model has no chat template; use /v1/completions", parameter="messages")
        return self.template([message.plain() for message in asked.messages])

    def limit(self, asked: Common, prompt_tokens: int) -> int:
        """The longest answer; raises BadRequest for one that the model does not hold, or that is to be longer still."""
        wanted = asked.limit if isinstance(asked, Chat) else asked.max_tokens
        found = self._longest(asked, wanted, prompt_tokens)
        if (asked.min_tokens or 0) > found:
            message = f"min_tokens {asked.min_tokens} is more than the {found} tokens that the answer may have"
            raise BadRequest(message, parameter="min_tokens")
        return found

    def _longest(self, asked: Common, wanted: int | None, prompt_tokens: int) -> int:
        if self.positions is None:
            return wanted or default(asked)
        room = self.positions - prompt_tokens
        if room < (wanted or 1):
            raise BadRequest(
                f"it holds {self.positions} tokens; the prompt has {prompt_tokens} and {wanted or 1} are asked for",
                parameter="messages" if isinstance(asked, Chat) else "prompt",
                code="context_length_exceeded",
            )
        return wanted or min(default(asked), room)

    def question(self, asked: Common, prompt: str, max_tokens: int) -> Question:
        """The request to Triton. Nothing said: the engine's own choice, which is greedy.

        A temperature above 0 opens the choice to all tokens (`top_k` 0) of `top_p`; 0 is greedy: nothing divides by it.
        """
        sampled = bool(asked.temperature) or asked.top_p is not None
        greedy = asked.temperature == 0
        return Question(
            prompt=prompt,
            max_tokens=max_tokens,
            min_tokens=asked.min_tokens,
            model=self.model,
            accumulates=self.accumulates,
            temperature=asked.temperature or None,
            top_k=1 if greedy else asked.top_k if asked.top_k is not None else 0 if sampled else None,
            top_p=None if greedy or not sampled else asked.top_p or 1.0,
            seed=asked.seed,
            end_id=self.end.id,
            stop_words=self.end.words,
        )


def default(asked: Common) -> int:
    """The longest answer when the client does not say."""
    return COMPLETION_TOKENS if isinstance(asked, Completion) else CHAT_TOKENS


def served(run: Run) -> Served:
    """What a recorded server serves."""
    folder = Path(run.tokenizer)
    return Served(
        name=run.name,
        model=run.model,
        address=run.address,
        metrics=run.metrics,
        created=int(run.started),
        accumulates=run.accumulates,
        positions=int(run.settings.get("max_seq_len", 0)) or positions(folder),
        count=counter(folder),
        template=chat_template(folder, run.chat),
        end=(end := ends(folder)),
        stop=(*run.chat.stop, *end.words),
    )


def positions(folder: Path) -> int | None:
    """How many tokens the checkpoint's model holds, as its config.json says."""
    found = read_checkpoint(folder)
    return found.model.max_positions if isinstance(found, Checkpoint) else None


def counter(folder: Path) -> Callable[[str], int] | None:
    """Counts tokens with the checkpoint's tokenizer.json; None where there is none."""
    if not (folder / "tokenizer.json").is_file():
        return None
    from recipes.rehearsal.text import load_tokenizer

    tokenizer = load_tokenizer(folder)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
