"""The one door to psutil: processes of this host, told apart by their id and the time they started.

An id alone is not enough: it is given to another process sooner or later.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

SAME_START = 1.0  # seconds; the kernel counts a process's start in hundredths since boot
PATIENCE = 10.0  # seconds for a server to end by itself before it is killed


def started(process: int) -> float:
    """When the process started, in seconds since the epoch."""
    return psutil.Process(process).create_time()


def alive(process: int, since: float) -> bool:
    """Whether the process that started then, and not another with its id, is running."""
    try:
        found = psutil.Process(process)
        return abs(found.create_time() - since) < SAME_START and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def memory(process: int) -> int | None:
    """Bytes that a process and its descendants hold, what they share counted once; None when it is not to be had."""
    try:
        first = psutil.Process(process)
        return sum(one.memory_full_info().pss for one in (first, *first.children(recursive=True)))
    except psutil.Error:
        return None


def end(session: int) -> None:
    """Asks the session's first process to end, then kills what is left of its process group."""
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        process = psutil.Process(session)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


@contextmanager
def ended_unless_good(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that was started for the block does not outlive a failure or an interrupt of it."""
    try:
        yield
    except BaseException:
        end(process.pid)
        process.wait()
        raise


def free_memory() -> int:
    """Bytes that a new process may take before this host begins to swap."""
    return psutil.virtual_memory().available


def listener(port: int) -> str:
    """The process that listens on a TCP port: its name and id, as far as this user may see; else an empty word."""
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr[1:] == (port,):
            with suppress(psutil.NoSuchProcess):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""
