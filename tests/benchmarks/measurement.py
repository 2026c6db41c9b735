"""One measured value, its goal, and whether it was met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`name` says what was measured and against what; `value` is how it reads; `goal` is empty where there is none."""

    name: str
    value: str
    goal: str = ""
    met: bool = True

    def __str__(self) -> str:
        goal = f"   goal {self.goal}: {'met' if self.met else 'MISSED'}" if self.goal else ""
        return f"{self.name:<68} {self.value:>12}{goal}"
