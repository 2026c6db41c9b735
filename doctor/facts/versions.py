"""Versions with any number of parts, such as a driver's 550.54.14 or TensorRT's 10.0.1.6, compared part by part."""

from __future__ import annotations

import re

LONGEST = 100  # characters of a version that are looked at


def parts(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `(550, 54, 14)`; empty for what does not begin with one."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version[:LONGEST])
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def at_least(version: str, floor: str) -> bool:
    """Whether `version` is `floor` or newer; missing parts count as 0."""
    return _filled(version) >= _filled(floor)


def _filled(version: str) -> tuple[int, ...]:
    numbers = parts(version)
    return numbers + (0,) * (6 - len(numbers))
