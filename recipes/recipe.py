"""What a recipe is: one small data file per model. Adding a model of a known family is adding a file."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType, field, structs

from environment.data import Record, read_toml
from environment.errors import Usage, unknown_name

MODELS = Path(__file__).parent / "models"
Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
Sources = Annotated[tuple[Text, ...], Meta(min_length=1)]
Spellings = Annotated[tuple[tuple[Text, ...], ...], Meta(min_length=1)]


class Checkpoint(Record, frozen=True, kw_only=True):
    """Where the Hugging Face checkpoint comes from: hub id and the commit it is pinned to."""

    hub: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    revision: Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]
    architecture: Text
    remote_code: bool = False
    source: Sources


class Shape(Record, frozen=True, kw_only=True):
    """What of the checkpoint's `config.json` decides how it can be split, and how large and long things get."""

    attention_heads: Count
    key_value_heads: Count
    hidden_size: Count
    layers: Count
    max_positions: Count
    parameters: Count
    source: Sources


class Limits(Record, frozen=True, kw_only=True):
    """What the engine is built for: requests at once, tokens in, tokens out."""

    max_batch_size: Count
    max_input_len: Count
    max_output_len: Count
    source: Sources

    def within(self, positions: int) -> Limits:
        """The same limits, or shorter ones in the same proportion for a model that knows fewer positions."""
        total = self.max_input_len + self.max_output_len
        if total <= positions or positions < 2:
            return self
        answer = max(self.max_output_len * positions // total, 1)
        return structs.replace(self, max_input_len=positions - answer, max_output_len=answer)


class Question(Record, frozen=True, kw_only=True):
    """The smoke question, and a word its answer is expected to hold."""

    text: Text
    expected: Text
    source: Sources


class Chat(Record, frozen=True, kw_only=True):
    """How the model is talked to, where the checkpoint's own files do not say it all.

    `template` stands in for a chat template that the checkpoint lacks; a `raw` model has none and goes on with the text
    it is given. `special_tokens`: the server's tokenizer adds its own at the start, since no template writes them.
    `stop` are words that end an answer beside the checkpoint's end tokens.
    """

    template: str = ""
    raw: bool = False
    special_tokens: bool = False
    stop: tuple[Text, ...] = ()
    source: tuple[Text, ...] = ()


AS_IT_SAYS = Chat()  # the checkpoint's own files say it all


class Since(Record, frozen=True, kw_only=True):
    """The first release whose tools know the model, and why it is the first."""

    release: Text
    because: Text
    source: Sources


class Quirk(Record, frozen=True, kw_only=True):
    """Words that a tool needs for this model: the first spelling that the release's own parser knows.

    `tool` is the program's name without suffix (`convert_checkpoint`, `build`, `trtllm-build`). An empty one,
    last, says that a release which knows none of the others needs none. {names} are those of `FIELDS`.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ("dtype", "prompt_table")
    tool: Text
    spellings: Spellings
    source: Sources

    def __post_init__(self) -> None:
        """Raises ValueError for a word with a brace too many or a name that is no field."""
        for word in (word for words in self.spellings for word in words):
            strange = {name for _, name, _, _ in Formatter().parse(word) if name is not None} - {*self.FIELDS}
            if strange:
                raise ValueError(f"{word!r} names {', '.join(sorted(strange))}; known: {', '.join(self.FIELDS)}")


class Vision(Record, frozen=True, kw_only=True):
    """The vision tower beside the language model. `family` is a key of a release's model families.

    `query_tokens` is how many rows of the prompt table one image takes.
    """

    family: Text
    query_tokens: Count
    image: Text
    source: Sources


class Variant(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Another checkpoint of the same recipe: what it says replaces what the recipe says."""

    title: Text
    since: Since | UnsetType = UNSET
    checkpoint: Checkpoint
    shape: Shape | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    chat: Chat | UnsetType = UNSET
    quirks: tuple[Quirk, ...] | UnsetType = UNSET


class Recipe(Record, frozen=True, kw_only=True):
    """A model and how it is built and served. `family` is a key of a release's model families.

    `served` is false where no Triton templates take the model: it is built and tested locally. `patches` name the
    edits of copied files (`patches.toml`) that it needs in the releases those are for. `benchmark` are its name and
    the nearest ones in benchmarks/python/allowed_configs.py up to v0.11; the engine itself says the rest.
    """

    title: Text
    family: Text
    dtype: Text
    quantization: str = ""
    kv_cache_dtype: str = ""
    tp: Count = 1
    served: bool = True
    benchmark: tuple[Text, ...] = ()
    since: Since
    checkpoint: Checkpoint
    shape: Shape
    limits: Limits
    question: Question
    chat: Chat = AS_IT_SAYS
    quirks: tuple[Quirk, ...] = ()
    patches: tuple[Text, ...] = ()
    vision: Vision | None = None
    variants: dict[str, Variant] = field(default_factory=dict)

    def variant_name(self, model: str) -> str:
        """The name of the variant that is meant, by its name or hub id ("" is the recipe itself); raises Usage."""
        by_hub = {variant.checkpoint.hub: name for name, variant in self.variants.items()} | {self.checkpoint.hub: ""}
        name = by_hub.get(model, model)
        if name and name not in self.variants:
            raise _unknown_variant(self, model)
        return name

    def variant(self, name: str) -> Recipe:
        """The recipe with the checkpoint of a variant; "" is the recipe itself."""
        if not name:
            return self
        said = {field: value for field, value in structs.asdict(self.variants[name]).items() if value is not UNSET}
        return structs.replace(self, **said)


def _unknown_variant(recipe: Recipe, name: str) -> Usage:
    known = (*recipe.variants, recipe.checkpoint.hub, *(one.checkpoint.hub for one in recipe.variants.values()))
    if "/" in name:
        return Usage(
            f"the shape of {name} is not known: nothing about heads, layers and lengths could be checked",
            why=f"known: {', '.join(known)}",
            mend=f"./inv fetch {name} --revision COMMIT --into DIR   and then --model-dir DIR: its config.json is read",
        )
    return unknown_name("model of this recipe", name, known)


def chat_of(words: str) -> Chat:
    """How a recipe's model is talked to; the words are those of `said`. Raises Usage."""
    name, file, variant = meant(words)
    recipe = read(Path(file)) if file else find(name)
    return recipe.variant(recipe.variant_name(variant)).chat


def said(name: str, file: str, variant: str) -> str:
    """The one word that names a recipe to other commands: its name or its file, and behind a colon the variant."""
    return ":".join(filter(None, (file or name, variant)))


def meant(words: str) -> tuple[str, str, str]:
    """Name, file ("" for a shipped recipe) and variant of what `said` said; a file is a path with a slash in it."""
    front, colon, variant = words.rpartition(":")
    named, variant = (front, variant) if colon and "/" not in variant else (words, "")
    file = named if "/" in named else ""
    return Path(named).stem if file else named, file, variant


def names() -> tuple[str, ...]:
    """The names of all recipes, sorted."""
    return tuple(sorted(path.stem for path in MODELS.glob("*.toml")))


def find(name: str) -> Recipe:
    """The recipe of that name; raises Usage naming the nearest one for an unknown name."""
    if name not in names():
        raise unknown_name("recipe", name, names(), mend="invoke recipes")
    return read(MODELS / f"{name}.toml")


def read(path: Path) -> Recipe:
    """The recipe in a file; raises Trouble naming the field that is off."""
    return read_toml(path, Recipe)
