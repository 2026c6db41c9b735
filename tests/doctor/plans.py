"""The recorded plans and verdicts, and the damaged variants the verdicts speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

PLANS = Path(__file__).parents[1] / "transcripts" / "plans"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 22396\n"


class Row(NamedTuple):
    """One recorded verdict."""

    built_with: str
    option: str
    loaded_by: str
    variant: str
    verdict: str
    message: str

    @property
    def damage(self) -> str:
        return re.split(r"[=\[]", self.variant)[0]


class _Recorded(msgspec.Struct):
    about: str
    messages: list[str]
    rows: dict[str, list[tuple[str, str, int]]]


def rows() -> Iterator[Row]:
    recorded = msgspec.json.decode((PLANS / "verdicts.json").read_bytes(), type=_Recorded)
    for group, found in recorded.rows.items():
        built_with, option, _, loaded_by = group.split()
        for variant, verdict, message in found:
            yield Row(
                built_with, option, loaded_by, variant, verdict, recorded.messages[message] if message >= 0 else ""
            )


@cache
def plan(built_with: str, option: str = "default") -> bytes:
    return (PLANS / f"trt-{built_with}-sm90-{option}.plan").read_bytes()


def damaged(whole: bytes, variant: str) -> bytes:
    """The variant of a plan that `about` in verdicts.json describes."""
    whole_files = {"as-built": whole, "text": b"not an engine\n" * 99, "zeros": bytes(4096), "lfs-pointer": LFS_POINTER}
    if variant in whole_files:
        return whole_files[variant]
    name, value = variant.split("=", 1)
    if name == "truncate":
        return whole[: int(value)]
    if name == "append":
        return whole + bytes(int(value))
    if name == "outer-version":
        return whole[:24] + bytes(map(int, value.split("."))) + whole[28:]
    at = int(name.removeprefix("byte[").removesuffix("]^"))
    return whole[:at] + bytes([whole[at] ^ int(value)]) + whole[at + 1 :]
