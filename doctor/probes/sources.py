"""The two ways to take a reading: read a file, run a command. Neither raises."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from doctor.facts.readings import Reading

LARGEST_FILE = 1 << 20  # bytes; files of the kernel and configurations are far smaller
LOCALE = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}


def read_file(path: str | Path) -> Reading:
    """The text of a small file, or why it cannot be had."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - thousands of them in /proc, and paths take time
            return Reading(text=file.read(LARGEST_FILE).decode("utf-8", "replace"))
    except (FileNotFoundError, NotADirectoryError):
        return Reading(status="absent", reason=f"no file {path}")
    except PermissionError:
        return Reading(status="refused", reason=f"permission denied: {path}")
    except OSError as error:
        return Reading(status="failed", reason=f"{path}: {error.strerror}")


def run_command(*argv: str) -> Reading:
    """What a command prints. There is no time limit here: the probe's own deadline cuts it with all its children."""
    return run_commands(argv)[0]


def run_commands(*commands: tuple[str, ...]) -> tuple[Reading, ...]:
    """What several commands print that run at the same time."""
    started = [_started(argv) for argv in commands]
    pairs = zip(commands, started, strict=True)
    return tuple(one if isinstance(one, Reading) else _ended(argv[0], one) for argv, one in pairs)


def _started(argv: tuple[str, ...]) -> subprocess.Popen[bytes] | Reading:
    if shutil.which(argv[0]) is None:
        return Reading(status="absent", reason=f"no program {argv[0]} on PATH")
    pipe, nothing, environment = subprocess.PIPE, subprocess.DEVNULL, {**os.environ, **LOCALE}
    try:
        return subprocess.Popen(argv, stdin=nothing, stdout=pipe, stderr=pipe, env=environment)
    except OSError as error:
        return Reading(status="failed", reason=f"{argv[0]}: {error.strerror}")


def _ended(name: str, process: subprocess.Popen[bytes]) -> Reading:
    said, complained = (stream.decode("utf-8", "replace")[:LARGEST_FILE] for stream in process.communicate())
    if process.returncode:
        reason = complained.strip() or f"{name} ended with {process.returncode}"
        return Reading(status="failed", text=said, reason=reason)
    return Reading(text=said, reason=complained.strip())
