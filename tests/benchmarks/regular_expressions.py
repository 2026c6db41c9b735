"""Python's regular expressions as POSIX extended ones, for a fair comparison with `grep -E`."""

from __future__ import annotations

import re

_IN_A_SET = {"d": "0-9", "w": "_[:alnum:]", "s": "[:space:]", "S": "!-~", "n": "", "t": " "}
_ALONE = {"d": "[0-9]", "n": "", "t": " "}
_SPECIAL = ".[]{}()*+?|^$\\"


def extended(pattern: str) -> str:
    """The pattern without Python's names for groups and classes; GNU grep knows the rest."""
    plain = re.sub(r"\(\?(?:P<\w+>|i?:)", "(", pattern).replace("(?i)", "")
    plain = plain.replace(r"[^\n]", ".").replace(r"[\s\S]", ".")
    return "".join(_translated(token) for token in re.findall(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|.", plain))


def _translated(token: str) -> str:
    if token.startswith("["):
        return re.sub(r"\\(.)", lambda match: _IN_A_SET.get(match[1], match[1]), token)
    if not token.startswith("\\"):
        return token
    letter = token[1]
    return _ALONE.get(letter, token if letter.isalpha() or letter in _SPECIAL else letter)
