"""The rules a program applies after parsing, as far as the command line alone decides them: a small closed set."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from environment.data import Record

if TYPE_CHECKING:
    from environment.contracts.argv import Parsed


class Condition(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Holds when the flag has this value, or lies above this number; with neither, when the flag was command.given."""

    flag: str
    value: object = None
    above: float | None = None

    def holds(self, command: Parsed) -> bool:
        """Whether it does; defaults count as values."""
        found = command.values.get(self.flag)
        if self.above is not None:
            return isinstance(found, (int, float)) and found > self.above
        return found == self.value if self.value is not None else self.flag in command.given


class OneOf(Record, frozen=True, kw_only=True, tag_field="kind", tag="one_of"):
    """At least one of the flags has to be command.given."""

    flags: tuple[str, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return command.given.isdisjoint(self.flags)


class Exclusive(Record, frozen=True, kw_only=True, tag_field="kind", tag="exclusive"):
    """At most one of the flags may be command.given."""

    flags: tuple[str, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return len(command.given.intersection(self.flags)) > 1


class Conflict(Record, frozen=True, kw_only=True, tag_field="kind", tag="conflict"):
    """The conditions may not all hold together."""

    conditions: tuple[Condition, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return all(condition.holds(command) for condition in self.conditions)


class Needs(Record, frozen=True, kw_only=True, tag_field="kind", tag="needs", omit_defaults=True):
    """`then` has to hold: always, or when all of `when` hold."""

    then: Condition
    when: tuple[Condition, ...] = ()

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return all(one.holds(command) for one in self.when) and not self.then.holds(command)


class Product(Record, frozen=True, kw_only=True, tag_field="kind", tag="product"):
    """The flag's number is the product of the others; a negative one stands for "whatever fits"."""

    flag: str
    factors: tuple[str, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        numbers = [command.values.get(flag) for flag in (self.flag, *self.factors)]
        known = [number for number in numbers if isinstance(number, int) and number > 0]
        return len(known) == len(numbers) and known[0] != prod(known[1:])


class PowerOfTwo(Record, frozen=True, kw_only=True, tag_field="kind", tag="power_of_two"):
    """The flag's number is a power of two."""

    flag: str

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        number = command.values.get(self.flag)
        return isinstance(number, int) and (number < 1 or number.bit_count() != 1)


class Unused(Record, frozen=True, kw_only=True, tag_field="kind", tag="unused"):
    """The program takes the flags and does nothing with them."""

    flags: tuple[str, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return not command.given.isdisjoint(self.flags)


class Explicit(Record, frozen=True, kw_only=True, tag_field="kind", tag="explicit"):
    """The defaults of the flags surprise: give every one of them."""

    flags: tuple[str, ...]

    def broken(self, command: Parsed) -> bool:
        """Whether the command breaks the rule."""
        return not command.given.issuperset(self.flags)


Judge = OneOf | Exclusive | Conflict | Needs | Product | PowerOfTwo | Unused | Explicit
