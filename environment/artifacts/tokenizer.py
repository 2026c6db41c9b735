"""Reads a tokenizer folder: its class, special tokens and chat template. No tokenizer is built, nothing is imported.

Format: huggingface/transformers, src/transformers/tokenization_utils_base.py (file names, tokenizer_config.json).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from environment.artifacts.checkpoint import missing_code, remote_code
from environment.artifacts.heads import Damaged, Json, names_in, read, read_json
from environment.data import Value
from environment.unknown import Unknown, then

CONFIG = "tokenizer_config.json"
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
TEXT_LIMIT = 1 << 20  # bytes of a template or of a file of code

READ_ONLY = re.compile(r"@property\s+def (\w+_token)\(")
SETTER = re.compile(r"@(\w+_token)\.setter")
PAD = re.compile(r"def _pad\(([^)]*)\)", re.DOTALL)
INITIALISED = re.compile(r"super\(\)\.__init__\(")
VOCABULARY = re.compile(r"self\.(?:tokenizer|sp_tokenizer|sp_model)\s*=")


class TokenizerCode(Value, frozen=True, kw_only=True, tag=True):
    """What a checkpoint's own tokenization_*.py shows without being run.

    `read_only`: special tokens that are properties without a setter. `takes_padding_side`: its `_pad` has the parameter
    transformers passes since 4.45. `vocabulary_first`: it sets its vocabulary before its base class, which since 4.34
    asks for it, is initialised.
    """

    read_only: frozenset[str] = frozenset()
    takes_padding_side: bool = True
    vocabulary_first: bool = True


class Tokenizer(Value, frozen=True, kw_only=True, tag=True):
    """A tokenizer as its files describe it. `special_tokens` maps `eos_token` and its like to their text."""

    tokenizer_class: str
    special_tokens: Mapping[str, str]
    chat_template: str
    vocabularies: tuple[str, ...]
    remote_code: tuple[str, ...]
    missing_code: tuple[str, ...]
    files: tuple[str, ...]
    code: TokenizerCode | Unknown | None = None


def read_tokenizer(folder: Path) -> Tokenizer | Damaged | Unknown:
    """The tokenizer in `folder`; Unknown when none of its files is there."""
    files = names_in(folder)
    if isinstance(files, Unknown):
        return files
    vocabularies = tuple(name for name in files if name in VOCABULARIES or name.endswith(".tiktoken"))
    if CONFIG not in files:
        empty: Json = {}
        return parse_tokenizer(empty, "", files, vocabularies) if vocabularies else Unknown("no tokenizer files here")
    config = read_json(folder / CONFIG)
    if isinstance(config, Unknown | Damaged):
        return config
    text = _read_text(folder / "chat_template.jinja") if "chat_template.jinja" in files else ""
    found = parse_tokenizer(config, text if isinstance(text, str) else "", files, vocabularies)
    own = next((name for name in files if name.startswith("tokenization_") and name.endswith(".py")), None)
    return replace(found, code=then(_read_text(folder / own), parse_code)) if own else found


def _read_text(path: Path) -> str | Unknown:
    head = read(path, TEXT_LIMIT + 1)
    if isinstance(head, Unknown):
        return head
    if len(head.data) > TEXT_LIMIT:
        return Unknown(f"{path.name} has {head.file_size} bytes; at most {TEXT_LIMIT} are read")
    return head.data.decode("utf-8", "replace")


def parse_code(text: str) -> TokenizerCode:
    """What the text of a tokenization_*.py shows; it is searched, not run."""
    pad, base, own = PAD.search(text), INITIALISED.search(text), VOCABULARY.search(text)
    return TokenizerCode(
        read_only=frozenset(READ_ONLY.findall(text)) - frozenset(SETTER.findall(text)),
        takes_padding_side=not pad or "padding_side" in pad[1] or "**" in pad[1],
        vocabulary_first=not base or not own or own.start() < base.start(),
    )


def parse_tokenizer(config: Json, template: str, files: tuple[str, ...], vocabularies: tuple[str, ...]) -> Tokenizer:
    """The tokenizer that a tokenizer_config.json describes, in a folder of these files."""
    code = remote_code(config)
    return Tokenizer(
        tokenizer_class=said if isinstance(said := config.get("tokenizer_class"), str) else "",
        special_tokens={key: _text(value) for key, value in config.items() if key.endswith("_token") and _text(value)},
        chat_template=template or _template(config.get("chat_template")),
        vocabularies=vocabularies,
        remote_code=code,
        missing_code=missing_code(code, files),
        files=files,
    )


def _text(value: object) -> str:
    """A special token: the text itself, or an AddedToken with its `content`."""
    content = value.get("content") if isinstance(value, Mapping) else value
    return content if isinstance(content, str) else ""


def _template(value: object) -> str:
    """The chat template; where several are listed by name, the one named `default`."""
    if isinstance(value, list):
        named = [item for item in value if isinstance(item, Mapping) and item.get("name") == "default"]
        return _text(named[0].get("template")) if named else ""
    return value if isinstance(value, str) else ""
