"""Waiting in tests: for what will be so soon, on however slow or busy a machine; it ends as soon as it is so."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

PATIENCE = 300.0  # seconds for what takes one on a quiet machine
GLANCE = 0.02  # seconds between two looks


def soon(true: Callable[[], bool]) -> bool:
    """Whether it came true."""
    deadline = time.monotonic() + PATIENCE
    while not (is_true := true()) and time.monotonic() < deadline:
        time.sleep(GLANCE)
    return is_true


def is_running(process: int) -> bool:
    """Whether the process is there, and is more than an entry that nobody has read yet."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
