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
        with Path(path).open("rb") as file:
            return Reading(text=file.read(LARGEST_FILE).decode("utf-8", "replace"))
    except (FileNotFoundError, NotADirectoryError):
        return Reading(status="absent", reason=f"no file {path}")
    except PermissionError:
        return Reading(status="refused", reason=f"permission denied: {path}")
    except OSError as error:
        return Reading(status="failed", reason=f"{path}: {error.strerror}")


def run_command(*argv: str) -> Reading:
    """What a command prints. There is no time limit here: the probe's own deadline cuts it with all its children."""
    if shutil.which(argv[0]) is None:
        return Reading(status="absent", reason=f"no program {argv[0]} on PATH")
    try:
        done = subprocess.run(
            argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, env={**os.environ, **LOCALE}
        )
    except OSError as error:
        return Reading(status="failed", reason=f"{argv[0]}: {error.strerror}")
    said, complained = (stream.decode("utf-8", "replace")[:LARGEST_FILE] for stream in (done.stdout, done.stderr))
    if done.returncode:
        return Reading(
            status="failed", text=said, reason=complained.strip() or f"{argv[0]} ended with {done.returncode}"
        )
    return Reading(text=said, reason=complained.strip())
