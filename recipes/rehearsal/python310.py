"""Python 3.10's rule for the defaults of dataclasses, for a checkout's own models on a newer Python.

The images of the releases carry Python 3.10, where a NumPy array may be the default of a field. Since 3.11 every
unhashable default is refused ("mutable default ... is not allowed"), and `tensorrt_llm_bls` of v0.10.0 has such. Only
Triton's Python processes import this, before a model. Source: docs.python.org/3/whatsnew/3.11.html#dataclasses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

strict: Callable[..., Any] = dataclasses.dataclass
REFUSED_BEFORE = (list, dict, set)


def lenient(cls: type | None = None, **options: Any) -> Any:
    """`dataclasses.dataclass`, which shares an unhashable default between the instances as Python 3.10 did."""
    if cls is None:
        return lambda decorated: lenient(decorated, **options)
    for name, default in list(vars(cls).items()):
        if type(default).__hash__ is None and not isinstance(default, REFUSED_BEFORE):
            setattr(cls, name, dataclasses.field(default_factory=always(default)))
    return strict(cls, **options)


def always(value: Any) -> Callable[[], Any]:
    """A function that returns the value."""
    return lambda: value


def restore() -> None:
    """From here on `dataclasses.dataclass` is the lenient one, in this process."""
    vars(dataclasses)["dataclass"] = lenient
