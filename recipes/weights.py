"""A user's own checkpoint: its shape from config.json, and a fingerprint of its weights' content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from environment.artifacts.checkpoint import parse_model
from environment.artifacts.heads import Damaged, read_json
from environment.artifacts.safetensors import Safetensors, read_safetensors
from environment.artifacts.tokenizer import Tokenizer, read_tokenizer
from environment.errors import Trouble
from environment.unknown import Unknown
from recipes.recipe import Chat, Recipe, Shape

SUFFIXES = (".safetensors", ".bin")
PIECE = 4096  # bytes of each tensor, or of each of PIECES places in a file without a header
PIECES = 256


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The recipe with the checkpoint's own shape; the fingerprint is empty for a pinned checkpoint of the hub."""

    recipe: Recipe
    fingerprint: str = ""


def look(folder: Path, recipe: Recipe) -> Weights:
    """The shape and fingerprint of the checkpoint in `folder`; a folder that is not there is seen when it is used.

    Raises Trouble for a checkpoint that cannot be read or is of another architecture.
    """
    if not folder.exists():
        return Weights(recipe=recipe)
    config = read_json(folder / "config.json")
    if isinstance(config, (Damaged, Unknown)):
        raise Trouble(f"{folder} is no checkpoint: config.json: {config.reason}", mend="give a folder of Hugging Face")
    model = parse_model(config)
    wanted = recipe.checkpoint.architecture
    if wanted not in model.architectures:
        has = ", ".join(model.architectures) or "of no named architecture"
        where = str(folder / "config.json")
        mend = "./inv recipes   lists those for other models; ./inv recipe --new NAME --from RECIPE begins one"
        raise Trouble(f"the checkpoint is {has}, the recipe is for {wanted}", where=where, mend=mend)
    own = recipe.shape
    shape = Shape(
        attention_heads=model.heads or own.attention_heads,
        key_value_heads=model.kv_heads or own.key_value_heads,
        hidden_size=model.hidden_size or own.hidden_size,
        layers=model.layers or own.layers,
        max_positions=model.max_positions or own.max_positions,
        parameters=max(weight_bytes(folder) // 2, 1),
        source=(str(folder / "config.json"),),
    )
    limits, chat = recipe.limits.within(shape.max_positions), chat_of(folder, recipe.chat)
    own_recipe = structs.replace(recipe, shape=shape, limits=limits, chat=chat)
    return Weights(recipe=own_recipe, fingerprint=fingerprint(folder))


def chat_of(folder: Path, said: Chat) -> Chat:
    """How the checkpoint in `folder` is talked to: without a template it goes on with the text."""
    tokenizer = read_tokenizer(folder)
    lacking = isinstance(tokenizer, Tokenizer) and not tokenizer.chat_template
    if not lacking or said.template or said.raw:
        return said
    return structs.replace(said, raw=True, special_tokens=True)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that hold weights, by name."""
    return tuple(sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file()))


def weight_bytes(folder: Path) -> int:
    """The size of all weights."""
    return sum(path.stat().st_size for path in weight_files(folder))


def fingerprint(folder: Path) -> str:
    """Sixteen hexadecimal digits over config.json and, of each weight file, name, size and a piece of every tensor.

    Two fine-tunings of one model have the same headers: that is why each tensor's first bytes count. Reading all of it
    would cost minutes on every plan.
    """
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in weight_files(folder):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            for start, size in _pieces(path):
                file.seek(start)
                digest.update(file.read(size))
    return digest.hexdigest()[:16]


def _pieces(path: Path) -> tuple[tuple[int, int], ...]:
    """Where to read, and how many bytes: the header and the start of each tensor, else places at even distances."""
    size = path.stat().st_size
    head = read_safetensors(path)
    if not isinstance(head, Safetensors):
        return tuple((start, PIECE) for start in range(0, size, max(size // PIECES, 1)))
    tensors = sorted((tensor.start, min(PIECE, tensor.end - tensor.start)) for tensor in head.tensors.values())
    return ((0, tensors[0][0] if tensors else size), *tensors)
