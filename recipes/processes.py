"""The one door to psutil: processes of this host, told apart by their id and their birth.

An id alone is not enough: it is given to another process sooner or later, and after a reboot soon.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

BOOT = Path("/proc/sys/kernel/random/boot_id")  # another one after every boot
PATIENCE = 10.0  # seconds for a server to end by itself before it is killed


def started(process: int) -> float:
    """When the process started, in seconds since the epoch."""
    return psutil.Process(process).create_time()


def birth(process: int) -> str:
    """The boot that the process started in, and the clock ticks after it (proc(5)); empty for one that does not run.

    No time of day: all processes seem to have started at another one when the clock is set, as after many a boot.
    """
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state in {"Z", "X"} else f"{BOOT.read_text().strip()} {fields[18]}"


def alive(process: int, born: str) -> bool:
    """Whether the process of that birth, and not another with its id, is running."""
    return born != "" and birth(process) == born


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


def listens(process: int, port: int) -> bool:
    """Whether the process itself listens on a TCP port, and not another that was faster; so, where nobody may look."""
    try:
        connections = psutil.Process(process).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, OSError):
        return True
    return any(one.status == psutil.CONN_LISTEN and one.laddr[1:] == (port,) for one in connections)


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
