"""Reads a command the way the program's own parser would (argparse, click or cxxopts), except that it never guesses."""

from __future__ import annotations

import difflib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from environment.contracts.values import converted, default

if TYPE_CHECKING:
    from environment.contracts.record import Contract, Option

NEGATIVE_NUMBER = re.compile(r"^-\d+$|^-\d*\.\d+$")
LEAST = {"?": 0, "*": 0, "+": 1}
MOST = {"?": 1}


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """What a command says: the value of every option by its name (defaults included), and the names that were given."""

    values: dict[str, object]
    given: frozenset[str]
    problems: tuple[str, ...]


def parsed(contract: Contract, argv: Sequence[str]) -> Parsed:
    """The command as the program would read it, with everything that is wrong with it."""
    words = arguments(contract.programs, argv)
    if words is None:
        problem = f"{' '.join(argv[:3])} ... does not start {' or '.join(contract.programs)}"
        return Parsed(values={}, given=frozenset(), problems=(problem,))
    reading = _Reading(contract, words)
    reading.read()
    return Parsed(values=reading.values, given=frozenset(reading.given), problems=tuple(reading.problems))


def arguments(programs: Sequence[str], argv: Sequence[str]) -> tuple[str, ...] | None:
    """The words after the program; all of them when they begin with a flag; None when another program is started."""
    for index, word in enumerate(argv):
        if PurePosixPath(word).name in programs:
            return tuple(argv[index + 1 :])
    return tuple(argv) if not argv or argv[0].startswith("-") else None


class _Reading:
    """One pass over the words, from left to right."""

    def __init__(self, contract: Contract, words: Iterable[str]) -> None:
        self.contract = contract
        self.words = deque(words)
        self.command: str | None = None
        self.problems: list[str] = []
        self.values: dict[str, object] = {o.name: default(o) for o in contract.options}
        self.given: set[str] = set()
        self.places = [option for option in contract.options if option.positional]

    def read(self) -> None:
        if "--" in self.words:  # what follows it depends on the parser and the version of Python: no command needs it
            self.problems.append("'--' among the words")
        while self.words:
            word = self.words.popleft()
            if self._is_flag(word):
                self._flag(word)
            else:
                self._place(word)
        self._missing()

    def _in_scope(self) -> list[Option]:
        return [o for o in self.contract.options if o.subcommand == self.command and not o.positional]

    def _find(self, flag: str) -> Option | None:
        return next((option for option in self._in_scope() if flag in option.flags), None)

    def _is_flag(self, word: str) -> bool:
        if not word.startswith("-") or word in {"-", "--"}:
            return False
        if self._find(word.partition("=")[0]) is not None:
            return True
        return not (NEGATIVE_NUMBER.match(word) or " " in word)

    def _flag(self, word: str) -> None:
        flag, equals, attached = word.partition("=")
        option = self._find(flag)
        if option is None:
            self._unknown(flag)
            return
        if option.name in self.given and option.action not in {"append", "count"}:
            self.problems.append(f"{option.name} is given twice")
        self.given.add(option.name)
        texts = [attached] if equals else self._following(option)
        if option.takes_value:
            self._value(option, flag, texts)
        else:
            self._switch(option, flag, texts)

    def _following(self, option: Option) -> list[str]:
        """The words that belong to the option. click and cxxopts take the next word whatever it looks like."""
        if not option.takes_value:
            return []
        exact = option.nargs if isinstance(option.nargs, int) else 1
        most = (
            exact if option.nargs is None or isinstance(option.nargs, int) else MOST.get(option.nargs, len(self.words))
        )
        taken: list[str] = []
        blind = self.contract.kind != "argparse"
        while self.words and len(taken) < most and (blind or not self._is_flag(self.words[0])):
            taken.append(self.words.popleft())
        return taken

    def _value(self, option: Option, flag: str, texts: list[str]) -> None:
        exact = option.nargs if isinstance(option.nargs, int) else 1
        least = LEAST.get(option.nargs, exact) if isinstance(option.nargs, str) else exact
        if len(texts) < least:
            self.problems.append(f"{flag} needs {'a value' if least == 1 else f'{least} values'}")
            return
        found: list[object] = []
        for text in texts:
            value, problem = converted(option, text)
            found.append(value)
            self.problems += [f"{flag} {problem}"] if problem else []
        single = option.nargs in {None, "?"}
        self.values[option.name] = (found[0] if found else option.const) if single else tuple(found)

    def _switch(self, option: Option, flag: str, texts: list[str]) -> None:
        on = option.action != "store_false" and not (option.action == "optional" and flag.startswith("--no-"))
        if not texts:
            self.values[option.name] = on
        elif self.contract.kind == "cxxopts" and re.fullmatch("(?i)t(rue)?|1|f(alse)?|0", texts[0]):
            self.values[option.name] = texts[0].lower()[0] in "t1"
        else:
            self.problems.append(f"{flag} is a switch and takes no value, got {texts[0]!r}")

    def _place(self, word: str) -> None:
        if self.command is None and word in self.contract.commands:
            self.command = word
        elif self.places:
            option = self.places.pop(0)
            self.given.add(option.name)
            self._value(option, option.name, [word])
        else:
            self.problems.append(f"{word!r} belongs to no option{self._after()}")

    def _after(self) -> str:
        commands = self.contract.commands
        return f"; subcommands: {', '.join(commands)}" if commands and self.command is None else ""

    def _unknown(self, flag: str) -> None:
        known = [name for option in self._in_scope() for name in option.flags]
        elsewhere = next((o for o in self.contract.options if flag in o.flags), None)
        begun = [name for name in known if name.startswith(flag)] if flag.startswith("--") else []
        near = begun or difflib.get_close_matches(flag, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        if elsewhere is not None:
            hint = (
                f"; it belongs {f'after {elsewhere.subcommand}' if elsewhere.subcommand else 'before the subcommand'}"
            )
        self.problems.append(f"{flag} is no option of {self.contract.tool} in {self.contract.release}{hint}")
        while self.words and not self._is_flag(self.words[0]) and self.words[0] not in self.contract.commands:
            self.words.popleft()

    def _missing(self) -> None:
        if self.contract.commands and self.command is None:
            self.problems.append(f"a subcommand is missing: {', '.join(self.contract.commands)}")
        for option in (*self._in_scope(), *self._before(), *self.places):
            if option.required and option.name not in self.given:
                self.problems.append(f"{option.name} is missing")
        for group in {o.one_of for o in self._in_scope() if o.one_of}:
            names = [o.name for o in self._in_scope() if o.one_of == group and o.name in self.given]
            self.problems += [f"{' and '.join(names)} exclude each other"] if len(names) > 1 else []

    def _before(self) -> list[Option]:
        return [o for o in self.contract.options if self.command and o.subcommand is None and not o.positional]
