"""What the probe says of an image, as a value: an image may answer anything, and what is not this is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from environment.data import Record


class Probed(Record, frozen=True, kw_only=True):
    """The document of `environment/images/probe.py`. None is what the image does not have.

    `copies` are all files of a library, `resolved` the one the dynamic linker takes; `upstream` are SHA-256 sums.
    `libcuda` are the linker's candidates in its order, None from a probe that did not ask.
    """

    schema: Literal["probe/1"]
    machine: str
    python: str
    packages: Mapping[str, str | None]
    nvinfer: tuple[str, ...]
    tensorrt_headers: Mapping[str, str]
    cuda: str | None
    triton: str | None
    container: str | None
    backends: Mapping[str, tuple[str, ...]]
    resolved: Mapping[str, str | None]
    copies: Mapping[str, tuple[str, ...]]
    upstream: Mapping[str, str]
    user: str
    libcuda: tuple[str, ...] | None = None
