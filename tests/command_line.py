"""Runs tasks as a person does: a process of its own, in the project's folder, on a workspace of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[1]


def invoke(*words: str, workspace: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished process of `invoke WORDS`; its output is decoded strictly, so that mojibake fails the test."""
    said = {**_inherited(), "TRTLLM_WORKSPACE": str(workspace), "NO_COLOR": "1", **environment}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        _, line = _forks()
        socket.send_fds(line, [json.dumps([words, said]).encode()], [out.fileno(), err.fileno()])
        code = int(line.recv(99))
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())


def _inherited() -> dict[str, str]:
    """It keeps its bytecode, as a person's does: otherwise most of its time would go into compiling the same files."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@cache
def _forks() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """What becomes `invoke` for each of the tests (tests/forked.py), and the line to it; it ends with them."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    ours.settimeout(PATIENCE)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
            cwd=ROOT,
            env=_inherited(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    return process, ours
