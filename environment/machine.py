"""What this host has to build with. Read once, then a value."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from environment.unknown import Unknown

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
ROOTS = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))  # Debian's, Red Hat's
CAPABILITY = re.compile(r"\d+\.\d")
ANSWER = 10  # seconds a program may take to say what it is


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Processors, memory and swap in bytes, the GPUs' architectures as CMake has them (`90-real`).

    `roots` is the file of the certificates that this host trusts, "" when there is none.
    """

    processors: int
    memory: int
    swap: int
    architectures: tuple[str, ...] | Unknown
    buildkit: bool
    roots: str = ""
    proxies: tuple[str, ...] = ()  # the names of the variables that are set; their values may hold a password


def this() -> Machine:
    """This host."""
    installed, swap = memory()
    return Machine(
        processors=len(os.sched_getaffinity(0)),
        memory=installed,
        swap=swap,
        architectures=architectures(),
        buildkit=buildkit(),
        roots=roots(),
        proxies=tuple(name for name in PROXIES if os.environ.get(name)),
    )


def memory() -> tuple[int, int]:
    """Memory and swap of this host in bytes, used or not."""
    import psutil

    return psutil.virtual_memory().total, psutil.swap_memory().total


def architectures() -> tuple[str, ...] | Unknown:
    """The architectures of the GPUs that nvidia-smi lists, each once."""
    found = computes()
    if isinstance(found, Unknown):
        return found
    return tuple(f"{capability}-real" for capability in sorted({one.replace(".", "") for one in found}, key=int))


def computes() -> tuple[str, ...] | Unknown:
    """The compute capability of each GPU, such as 9.0, in the order that nvidia-smi lists them."""
    said = asked("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
    if isinstance(said, Unknown):
        return said
    found = tuple(line.strip() for line in said.splitlines() if line.strip())
    if not found or not all(CAPABILITY.fullmatch(one) for one in found):
        return Unknown(f"nvidia-smi lists no compute capability: {said.strip()[:80]}")
    return found


def gpu_memory() -> tuple[int, ...] | Unknown:
    """The memory of each GPU in bytes, in the order that nvidia-smi lists them."""
    said = asked("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
    if isinstance(said, Unknown):
        return said
    found = [line.strip() for line in said.splitlines() if line.strip()]
    if not found or not all(one.isdigit() for one in found):
        return Unknown(f"nvidia-smi lists no memory: {said.strip()[:80]}")
    return tuple(int(one) << 20 for one in found)


def buildkit() -> bool:
    """Whether `docker build` has BuildKit: built into command lines before 23.0, the buildx plugin since then."""
    version = asked("docker", "version", "--format", "{{.Client.Version}}")
    if isinstance(version, str) and version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < 23:
        return True
    return not isinstance(asked("docker", "buildx", "version"), Unknown)


def roots() -> str:
    """The file of the certificates that this host trusts; "" when there is none."""
    return next((str(file) for file in ROOTS if file.is_file()), "")


def asked(*words: str) -> str | Unknown:
    """What a program prints; Unknown when it is missing, fails or does not end."""
    if not shutil.which(words[0]):
        return Unknown(f"{words[0]} is not installed")
    try:
        done = subprocess.run(words, capture_output=True, timeout=ANSWER, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Unknown(f"{words[0]}: {error}")
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode and not said.strip():
        return Unknown(f"{' '.join(words)}: {done.stderr.decode('utf-8', 'replace').strip()[:200]}")
    return said


def free_space(folder: Path) -> int | Unknown:
    """Bytes free where `folder` is or will be; Unknown for one that lies where this person may not look."""
    try:
        there = next((place for place in (folder, *folder.parents) if place.exists()), None)
        return shutil.disk_usage(there or "/").free
    except OSError as error:
        return Unknown(f"{folder}: {error.strerror}")
