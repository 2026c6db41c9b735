"""Makes Invoke's own parser speak to the person: the nearest word, a usage exit code, never a traceback."""

from __future__ import annotations

import atexit
import difflib
import gc
import inspect
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path
from types import TracebackType

from invoke import Exit, program
from invoke.config import AmbiguousMergeError
from invoke.exceptions import ParseError
from invoke.parser import Argument, Parser, ParseResult
from invoke.parser.context import ParserContext
from invoke.vendor.yaml import YAMLError

from environment.errors import ExitCode, no_space

SETTINGS = 'see invoke.yaml, ~/.invoke.yaml, /etc/invoke.yaml; such as image: {registry: "host:5000", ca: ""}'
HELP = ("--help", "-h")
OPTION_OF_A_KEYWORD = re.compile(r"'(\w+)_'")  # the option --from is called from_ in the program
UNKNOWN_WORD = re.compile(r"No idea what '(.*)' is!")


class SpeakingParser(Parser):
    """Invoke's parser for tasks and their options, with errors one can act on."""

    def parse_argv(self, argv: list[str]) -> ParseResult:
        """As Invoke's own; raises Exit with the usage code where that one raises ParseError or ValueError."""
        try:
            if bare := self._bare(argv):
                raise Exit(f"error: {bare}", code=ExitCode.USAGE)
            if named := self._helped(argv):
                told = super().parse_argv([])
                told[0].args["help"].value = named
                return told
            return super().parse_argv(self._spread(argv))
        except ParseError as error:
            said = OPTION_OF_A_KEYWORD.sub(r"'--\1'", str(error))
            raise Exit(f"error: {said}{self._hint(error)}", code=ExitCode.USAGE) from error
        except ValueError as error:  # the int() of an option's value
            raise Exit(f"error: {_option_of(error, argv)}", code=ExitCode.USAGE) from error

    def _helped(self, argv: list[str]) -> str:
        """The task whose help is wanted by `serve --help`, where Invoke itself takes the word for a recipe's name."""
        context = self.contexts.get(argv[0]) if argv else None
        return argv[0] if context and any(word in HELP and word not in context.flags for word in argv) else ""

    def _bare(self, argv: list[str]) -> str:
        """The option without a value that may be given again: Invoke itself takes it for one that was not given."""
        flags: Mapping[str, Argument] = next((self.contexts[word].flags for word in argv if word in self.contexts), {})
        for option, value in zip_longest(argv, argv[1:]):
            if option in flags and flags[option].kind is list and (value is None or value in flags):
                return f"{option} needs a value: {flags[option].help}"
        return ""

    def _spread(self, argv: list[str]) -> list[str]:
        """Words after a task that takes a list become that list: `inspect a b` is `inspect --path a --path b`.

        Invoke's own positional arguments take one word each. Such a task is the last of a command line.
        """
        at = next((place for place, word in enumerate(argv) if word in self.contexts), len(argv))
        context = self.contexts.get(argv[at]) if at < len(argv) else None
        listed = next((arg for arg in context.positional_args if arg.kind is list), None) if context else None
        if context is None or listed is None:
            return argv
        spread, bare = argv[: at + 1], True
        for word in argv[at + 1 :]:
            flag = context.flags.get(word)
            spread += [word] if flag or not bare or word.startswith("-") else [f"--{listed.name}", word]
            bare = not (flag and flag.takes_value)
        return spread

    def _hint(self, error: ParseError) -> str:
        """The nearest task or option to the word that is neither, else where the words are listed."""
        context: ParserContext | None = error.context
        options = [flag for flag in (context.flags if context else ()) if flag.startswith("--")]
        unknown = UNKNOWN_WORD.fullmatch(str(error))
        near = difflib.get_close_matches(unknown[1], [*self.contexts, *options], n=1, cutoff=0.5) if unknown else []
        if near:
            return f"\n  why    did you mean {near[0]!r}?"
        return f"\n  mend   invoke {'--help ' + context.name if context and context.name else '--list'}"


def _option_of(error: ValueError, argv: list[str]) -> str:
    """Names the option whose value is no number."""
    value = str(error).rpartition(": ")[2].strip("'")
    wanted = "a number" if "float" in str(error) else "a whole number"
    for option, word in zip(["", *argv], argv, strict=False):
        name, equals, given = word.partition("=")
        if word == value or (equals and given == value):
            return f"{name if equals else option} needs {wanted}, not {value!r}"
    return str(error)


def given(task: Callable[..., None], values: Mapping[str, object]) -> dict[str, object]:
    """Of the values of a task's options those that a person gave: all that are not the defaults."""
    defaults = {name: known.default for name, known in inspect.signature(task).parameters.items()}
    return {name: value for name, value in values.items() if defaults[name] not in (value, inspect.Parameter.empty)}


def install() -> None:
    """Puts the parser where Invoke takes it from, which loads the tasks file before it parses the tasks.

    What was imported until now stays to the end: that the garbage collector does not look through it again saves a
    tenth of a short task (docs.python.org/3/library/gc.html#gc.freeze).
    """
    vars(program)["Parser"] = SpeakingParser
    sys.excepthook = ended
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # `./inv` has it so until here
        signal.signal(signal.SIGINT, signal.default_int_handler)
    open_closed_streams()
    gc.freeze()
    atexit.register(gc.freeze)


def open_closed_streams() -> None:
    """Gives what was closed (`>&-`) somewhere to go: else the next file that is opened becomes standard output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - it stays open


def ended(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """What happened outside of every task: no traceback for a reader that has enough, a full disk, Ctrl-C, or settings.

    Python itself then ends of the signal, which a shell calls 130.
    """
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
    elif isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the interpreter's last flush goes
    elif isinstance(error, OSError) and (full := no_space(error, "standard output")):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr.write(f"error: {full}\n")
    elif isinstance(error, AmbiguousMergeError | YAMLError):
        sys.stderr.write(f"error: Invoke's settings cannot be read: {error}\n  mend   {SETTINGS}\n")
    else:
        sys.__excepthook__(kind, error, where)
