"""The strict reading agrees with Python's own argparse on commands nobody chose."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.contracts import Contract, Option, contract
from environment.contracts.argv import parsed

TOOLS = [
    ("v0.10.0", "convert_checkpoint-qwen"),
    ("v0.12.0", "run"),
    ("v0.7.1", "build-chatglm"),
    ("v0.16.0", "trtllm-build"),
    ("v0.10.0", "fill_template"),
    ("v0.10.0", "qwenvl-run"),
]
TYPES: dict[str, Callable[[str], object]] = {"int": int, "float": float, "json.loads": json.loads}
VALUES = [
    "4",
    "-1",
    "-0.5",
    "1e3",
    "x",
    "a b",
    "",
    "-",
    "-x",
    "float16",
    "enable",
    "int8",
    "{}",
    "[",
    "--tp_size",
    "four",
]


class Refused(Exception):
    pass


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def real(found: Contract) -> Parser:
    """The parser the contract was read from, made again; abbreviations off, as ours takes none."""
    parser = Parser(allow_abbrev=False, add_help=False)
    for option in found.options:
        parser.add_argument(*option.flags, **keywords(option))
    return parser


def keywords(option: Option) -> dict[str, Any]:
    given: dict[str, Any] = {"action": option.action}
    if option.takes_value:
        given |= {"nargs": option.nargs, "type": TYPES.get(option.type, str), "const": option.const}
        given |= {"choices": option.choices if isinstance(option.choices, tuple) else None}
    if not option.positional:
        given |= {"required": option.required, "dest": option.dest or option.name.lstrip("-")}
    return {name: value for name, value in given.items() if value is not None}


def refused(parser: Parser, words: list[str]) -> bool:
    try:
        parser.parse_args(words)
    except Refused:
        return True
    return False


def words_of(found: Contract) -> st.SearchStrategy[list[str]]:
    """Different flags with and without values, unknown ones, and stray words; required ones mostly there."""
    value = st.sampled_from(VALUES)
    chunk = st.sampled_from(found.options).flatmap(
        lambda option: st.one_of(
            st.just(filled(option)),
            st.just([option.flags[-1]]),
            st.builds(lambda one: [option.flags[0], one], value),
            st.builds(lambda one, two: [option.name, one, two], value, value),
            st.builds(lambda one: [f"{option.name}={one}"], value),
        )
    )
    stray = st.sampled_from([["--unknown_flag"], ["--unknown_flag=4"], ["stray"], ["-1"]])
    needed = [part for option in found.options if option.required for part in filled(option)]
    chunks = st.lists(
        st.one_of(chunk, chunk, chunk, stray), max_size=4, unique_by=lambda words: words[0].partition("=")[0]
    )
    return st.builds(
        lambda some, front: [*(needed if front else []), *(w for words in some for w in words)], chunks, st.booleans()
    )


def filled(option: Option) -> list[str]:
    value = str(option.choices[0]) if isinstance(option.choices, tuple) else "4"
    return [value] if option.positional else [option.name, value]


@pytest.mark.parametrize(("release", "tool"), TOOLS, ids=str)
def test_what_argparse_refuses_is_refused_and_nothing_else(release: str, tool: str) -> None:
    found = contract(release, tool)
    parser = real(found)

    @given(words=words_of(found))
    def agrees(words: list[str]) -> None:
        problems = parsed(found, [found.programs[0], *words]).problems
        problems = tuple(problem for problem in problems if "given twice" not in problem)  # argparse takes the last one
        assert bool(problems) == refused(parser, words), (words, problems)

    agrees()
