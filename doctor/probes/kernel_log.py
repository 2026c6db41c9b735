"""This boot's kernel log, asked of the kernel by syslog(2): starting `dmesg` takes longer than most probes."""

from __future__ import annotations

import ctypes
import os
import re

from doctor.facts.readings import Reading

READ_ALL, SIZE = 3, 10  # SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER
PREFIX = re.compile(r"^<\d+>(?:\[ *\d+\.\d+\](?:\[[^\]]*\])? )?")  # priority, time, and the caller some kernels name


def kernel_log() -> Reading:
    """All of it, a line each, without priorities and times; refused where only root may read it."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = 4 * max(libc.klogctl(SIZE, None, 0), 0)  # told in words it takes more room than the kernel keeps it in
    buffer = ctypes.create_string_buffer(size)
    read = libc.klogctl(READ_ALL, buffer, size)
    if read < 0:
        return Reading(status="refused", reason=f"the kernel's log: {os.strerror(ctypes.get_errno())}")
    return Reading(text=buffer.raw[:read].decode("utf-8", "replace"))


def bare(line: str) -> str:
    """A line without its priority and time."""
    return PREFIX.sub("", line)
