"""Reads a tokenizer folder: its class, special tokens and chat template. No tokenizer is built, nothing is imported.

Format: huggingface/transformers, src/transformers/tokenization_utils_base.py (file names, tokenizer_config.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environment.artifacts.checkpoint import missing_code, remote_code
from environment.artifacts.heads import Damaged, Json, names_in, read, read_json
from environment.unknown import Unknown

CONFIG = "tokenizer_config.json"
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
TEMPLATE_LIMIT = 1 << 20  # bytes


@dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """A tokenizer as its files describe it. `special_tokens` maps `eos_token` and its like to their text."""

    tokenizer_class: str
    special_tokens: Mapping[str, str]
    chat_template: str
    vocabularies: tuple[str, ...]
    remote_code: tuple[str, ...]
    missing_code: tuple[str, ...]
    files: tuple[str, ...]


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
    template = read(folder / "chat_template.jinja", TEMPLATE_LIMIT) if "chat_template.jinja" in files else None
    text = template.data.decode("utf-8", "replace") if template and not isinstance(template, Unknown) else ""
    return parse_tokenizer(config, text, files, vocabularies)


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
