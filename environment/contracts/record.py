"""What a contract is: the command line one program of one release accepts, as read from its source.

`Contract.problems` re-parses a command strictly, the way the program's own parser would, and `Contract.warnings` says
what the program would accept and silently ignore or change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from environment.contracts.rules import Judge
from environment.data import Record
from environment.releases.sourced import Sources, Text, Words

if TYPE_CHECKING:
    from environment.contracts.argv import Parsed

Kind = Literal["argparse", "click", "cxxopts"]
Action = Literal["store", "append", "store_true", "store_false", "flag", "bool", "optional", "count", "store_const"]
SWITCHES = {"store_true", "store_false", "flag", "optional", "count", "store_const"}


class Option(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One option of a parser, in the words of argparse.

    `action` is `bool` for a cxxopts switch that also takes `=true` and `=false`, `flag` for a plain switch of click or
    cxxopts, `optional` for argparse.BooleanOptionalAction. A `default`, `const` or `choices` that has no literal value
    in the source is `{"symbol": NAME}` or `{"expr": TEXT}`. `one_of` names a mutually exclusive group.
    """

    flags: Words
    type: Text = "str"
    required: bool = False
    default: object = None
    choices: tuple[object, ...] | dict[str, str] | None = None
    nargs: int | Text | None = None
    action: Action = "store"
    const: object = None
    dest: Text | None = None
    group: Text | None = None
    one_of: Text | None = None
    subcommand: Text | None = None
    positional: bool = False
    callback: Text | None = None

    @property
    def name(self) -> str:
        """The flag that names it: the first long one."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it."""
        return self.action not in SWITCHES | {"bool"}


class Check(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What the program does after parsing, in words, and as a rule where the command line alone decides it."""

    rule: Text
    where: Text
    effect: Literal["error", "ignored", "silent", "clamped", "warning", "implies", "default"]
    judge: Judge | None = None


class Contract(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One program's command line. `programs` are the names it is started by; `exact_commit`: read at the pinned commit.

    `checks_read` is false where nobody has read the code after the parser, so that `checks` may be missing some.
    """

    release: Text
    tool: Text
    kind: Kind
    programs: Words
    source: Sources
    exact_commit: bool
    commands: Words = ()
    checks_read: bool = False
    checks: tuple[Check, ...] = ()
    options: tuple[Option, ...]

    def problems(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Why the program would refuse this command, one line each; nothing when it would not.

        `argv` may be the whole command, such as `mpirun -n 2 python3 examples/run.py --max_output_len 8`: the words up
        to the program's name are dropped. Abbreviated flags, which argparse takes, are refused.
        """
        from environment.contracts.argv import parsed

        reading = parsed(self, argv)
        return reading.problems or self._judged(reading, ("error",))

    def warnings(self, argv: Sequence[str]) -> tuple[str, ...]:
        """What the program would take and silently ignore or change."""
        from environment.contracts.argv import parsed

        return self._judged(parsed(self, argv), ("ignored", "silent", "clamped", "warning"))

    def _judged(self, command: Parsed, effects: Sequence[str]) -> tuple[str, ...]:
        rules = [(check, check.judge) for check in self.checks if check.judge and check.effect in effects]
        return tuple(f"{check.rule} ({check.where})" for check, judge in rules if judge.broken(command))

    def option(self, flag: str) -> Option | None:
        """The option of a flag, when the program has it."""
        return next((option for option in self.options if flag in option.flags), None)
