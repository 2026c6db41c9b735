"""Cuts secrets out of readings before anything else sees them, and a person's and a host's names before they are saved.

What was cut leaves a mark behind: a check can still say that a secret lay there. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from doctor.facts.readings import Reading

MARK = "[secret]"
# What holds a secret by its name. Models have tokens of their own: pad_token, eos_token, max_tokens, tokenizer_dir.
NAMES = (
    r"(?:[\w.-]*(?:secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|credential|private[_-]?key)[\w.-]*"
    r"|(?:[\w.-]*(?<!pad)(?<!eos)(?<!bos)(?<!unk)(?<!end)[_-])?(?:identity|registry|access|auth)?token)"
)
WORDS = ("secret", "passw", "passphrase", "key", "credential", "token")  # each of NAMES has one
VALUE = r"(?!\[secret\])([^\s\"',;}]{4,})"
NAMED = re.compile(rf"(?i)\b({NAMES})([\"']?\s*[=:]\s*[\"']?){VALUE}")
FLAGGED = re.compile(rf"(?i)(?<=--)({NAMES})([\s\"',]+){VALUE}")
# What a shape cannot be without, in lower case; the shape; what stays. Looking for the words first is far quicker.
SHAPES = (
    (("://",), re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@\"']+@"), rf"\1{MARK}@"),
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {MARK}"),
    (
        ("hf_", "nvapi-", "gh", "sk-"),
        re.compile(r"\b(?:hf_\w{16,}|nvapi-[\w-]{16,}|gh[opsu]_\w{20,}|github_pat_\w{20,}|sk-[\w-]{16,})"),
        MARK,
    ),
    (
        ("akia", "eyj", "xox", "glpat-"),
        re.compile(r"\b(?:AKIA[A-Z0-9]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|xox[abprs]-[\w-]{10,}|glpat-[\w-]{16,})"),
        MARK,
    ),
    (
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        MARK,
    ),
    (("$oauthtoken:",), re.compile(r"\$oauthtoken:[^\s\"'@]+"), rf"$oauthtoken:{MARK}"),
    (WORDS, NAMED, rf"\1\2{MARK}"),
    (WORDS, FLAGGED, rf"\1\2{MARK}"),
)
SECRET_NAME = re.compile(rf"(?i)^{NAMES}$")
HOMES = re.compile(r"/(?:home|Users)/[^/\s\"':]+|/root(?=/|\b)")


def without_secrets(taken: Reading) -> Reading:
    """The reading with every token, key, password and login in a URL replaced by a mark."""
    return _changed(taken, cut)


def without_names(readings: Mapping[str, Reading], names: tuple[str, ...]) -> dict[str, Reading]:
    """The readings without home folders and without these names of hosts and people."""
    known = [re.escape(name) for name in sorted(names, key=len, reverse=True) if len(name) > 1]
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(known)})(?![\w-])", re.IGNORECASE) if known else None

    def anonymous(text: str) -> str:
        text = HOMES.sub("~", text)
        return pattern.sub("[name]", text) if pattern else text

    return {name: _changed(taken, anonymous) for name, taken in readings.items()}


def cut(text: str) -> str:
    """A text without secrets."""
    lower = text.lower()
    for words, shape, mark in SHAPES:
        if any(word in lower for word in words):
            text = shape.sub(mark, text)
    return text


def _changed(taken: Reading, change: Callable[[str], str]) -> Reading:
    return replace(taken, text=_text(taken.text, change), reason=change(taken.reason))


def _text(text: str, change: Callable[[str], str]) -> str:
    """JSON is changed string by string, so that it stays JSON; anything else line by line or as a whole."""
    try:
        return msgspec.json.encode(_walked(msgspec.json.decode(text), change)).decode()
    except (msgspec.MsgspecError, RecursionError):
        pass
    if text.startswith("{") and "\n" in text:
        return "\n".join(_text(line, change) for line in text.splitlines())
    return change(text)


def _walked(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        names = ["", *value]  # what follows an option's name, or in a pair a parameter's, is its value
        return [_member(_option(name, value), part, change) for name, part in zip(names, value, strict=False)]
    if isinstance(value, dict):
        return {change(name): _member(name, part, change) for name, part in value.items()}
    return value


def _option(name: Any, row: list[Any]) -> str:
    return name if isinstance(name, str) and (name.startswith("-") or len(row) == 2) else ""


def _member(name: str, value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str) and value and change is cut and SECRET_NAME.match(name):
        return MARK
    return _walked(value, change)
