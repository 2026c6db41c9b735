"""The shared libpython that Triton's Python processes link; the python3 of Debian and Ubuntu has it built in.

Where it is missing, it is taken from the package `libpythonX.Y` of the system's own package mirror: downloaded, checked
by apt and unpacked into `.venv`, as an ordinary user, installing nothing.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from environment.console import say
from environment.errors import Trouble
from environment.staging import write_whole

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGE = f"libpython{PYTHON}"
LIBRARY = f"{PACKAGE}.so.1.0"
KEPT = Path(sys.prefix) / "lib"  # of .venv
PATIENCE = 120  # seconds for one call of apt-get


def folder() -> Path | None:
    """Where the library is: beside this interpreter, in .venv, or (None) where the system's loader finds it."""
    beside = Path(sysconfig.get_config_var("LIBDIR") or "/")
    found = next((place for place in (beside, KEPT) if (place / LIBRARY).exists()), None)
    return found if found or loadable() else fetched()


def loadable() -> bool:
    """Whether the system's loader finds the library."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def fetched() -> Path:
    """The library in .venv, after it was taken from the system's package mirror; raises Trouble when it cannot be."""
    say(f"{LIBRARY} is missing on this system: taking it from your package mirror into .venv")
    with tempfile.TemporaryDirectory() as name:
        try:
            unpack(Path(name))
            found = next(Path(name).glob(f"usr/lib/**/{LIBRARY}"))
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            raise Trouble(
                f"{LIBRARY} is missing, and could not be taken from the package mirror: {reason(error)}",
                why="Triton's Python backend links it, and this interpreter has it built in",
                mend=f"sudo apt-get install {PACKAGE}",
            ) from error
        write_whole(KEPT / LIBRARY, found.read_bytes())
    return KEPT


def unpack(into: Path) -> None:
    """Downloads the package with apt, by lists of our own where the system has none, and unpacks it into the folder."""
    try:
        run(into, "apt-get", "download", PACKAGE)
    except subprocess.CalledProcessError:
        state = ("-o", f"Dir::State={into}/state", "-o", "Dir::State::status=/var/lib/dpkg/status")
        private = (*state, "-o", f"Dir::Cache={into}/cache")
        (into / "state" / "lists" / "partial").mkdir(parents=True)
        run(into, "apt-get", *private, "update")
        run(into, "apt-get", *private, "download", PACKAGE)
    run(into, "dpkg-deb", "-x", str(next(into.glob("*.deb"))), str(into))


def run(folder: Path, *words: str) -> None:
    """One command, quietly; raises CalledProcessError with its last words."""
    program = shutil.which(words[0])
    if program is None:
        raise FileNotFoundError(f"{words[0]} is not installed")
    subprocess.run((program, *words[1:]), cwd=folder, check=True, capture_output=True, text=True, timeout=PATIENCE)


def reason(error: Exception) -> str:
    """The last line of what a command said, else the error itself."""
    said = str(getattr(error, "stderr", "") or error).strip()
    return said.splitlines()[-1] if said else type(error).__name__
