"""The real tritonserver that the nvidia-pytriton wheel carries: where it is, its backends composed, its command.

Only the binary is used; the wheel's Python package is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from environment.errors import Trouble, Usage
from environment.staging import staged_folder
from environment.workspace import VARIABLE
from recipes.ports import HOST
from recipes.rehearsal import libpython
from recipes.rehearsal.libpython import PYTHON
from recipes.rehearsal.repository import MODEL_PY

ROOT = Path(__file__).parents[2]
EXIT_TIMEOUT = 4  # seconds Triton gives requests in flight when it is asked to end
# Triton's Python processes ignore PYTHONPATH; this module of the backend is what they import before any model.
FIRST_IMPORT = "triton_python_backend_utils.py"
PREAMBLE = f"""
import sys

sys.path.append({str(ROOT)!r})
from recipes.rehearsal.python310 import restore

restore()
"""
STAND_IN = MODEL_PY.format(model="tensorrt_llm")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program's words and the variables set for it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def refuse_unreadable(folders: Iterable[Path]) -> None:
    """Raises Usage for a folder that Triton's Python cannot open: it takes paths for ASCII, whatever the locale.

    python_backend (2.51.0, run) starts Python isolated from the environment, PYTHONUTF8 and LC_ALL included.
    """
    for folder in folders:
        if not str(folder).isascii():
            raise Usage(
                f"a rehearsal cannot use the path {folder}",
                why="Triton's Python opens no folder whose name goes beyond ASCII: no model would load",
                mend=f"another workspace: export {VARIABLE}=/var/tmp/trtllm; a checkpoint or this project: move it",
            )


def wheel() -> Path:
    """The folder of the wheel's server."""
    found = importlib.util.find_spec("pytriton")
    if found is None or found.origin is None:
        raise Trouble("nvidia-pytriton is not installed", mend="run ./inv once: it installs requirements.lock")
    return Path(found.origin).parent / "tritonserver"


def backends(into: Path) -> Path:
    """The backend directory under `into`: Triton's Python backend for this Python, and the stand-in for tensorrtllm.

    Copies, made once: Triton refuses a library that a link leads out of the directory. To the copy of the module that
    every Python process imports first, a few lines are added which lead to this project.
    """
    source = wheel()
    stub = source / "python_backend_stubs" / PYTHON / "triton_python_backend_stub"
    if not stub.exists():
        raise Trouble(f"nvidia-pytriton has no Python backend for Python {PYTHON}", mend="PYTHON=python3.11 ./inv ...")
    stamp = hashlib.sha256(f"{source} {stub.stat().st_mtime_ns} {STAND_IN} {PREAMBLE}".encode()).hexdigest()[:12]
    made = into / f"backends-py{PYTHON}-{stamp}"
    if not made.exists():
        with staged_folder(made) as stage:
            shutil.copytree(source / "backends" / "python", stage / "python")
            shutil.copy(stub, stage / "python")
            with (stage / "python" / FIRST_IMPORT).open("a", encoding="utf-8") as utilities:
                utilities.write(PREAMBLE)
            (stage / "tensorrtllm").mkdir()
            (stage / "tensorrtllm" / "model.py").write_text(STAND_IN)
    return made


def command(repository: Path, backend_folder: Path, ports: Mapping[str, int]) -> Command:
    """tritonserver on the loopback address, with the three ports `http`, `grpc` and `metrics`."""
    server = wheel()
    options = {
        "model-repository": repository,
        "backend-directory": backend_folder,
        "exit-timeout-secs": EXIT_TIMEOUT,
    }
    for kind, port in ports.items():
        options |= {f"{kind}-address": HOST, f"{kind}-port": port}
    words = [f"--{name}" if value is None else f"--{name}={value}" for name, value in options.items()]
    return Command(argv=(str(server / "bin" / "tritonserver"), *words), env=variables(server))


def variables(server: Path) -> dict[str, str]:
    """What the server's Python processes need: libpython, and this environment's packages."""
    libraries = [libpython.folder(), server.parents[1] / "nvidia_pytriton.libs"]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(str(place) for place in libraries if place),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
