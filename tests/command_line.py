"""Runs tasks as a person does: a process of its own, in the project's folder, on a workspace of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def invoke(*words: str, workspace: Path, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished process of `invoke WORDS`; its output is decoded strictly, so that mojibake fails the test.

    It keeps its bytecode, as a person's does: otherwise most of its time would go into compiling the same files again.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=ROOT,
        env={**inherited, "TRTLLM_WORKSPACE": str(workspace), "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
