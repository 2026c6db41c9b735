"""Runs tasks as a person does: a process of its own, in the project's folder, on a workspace of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def invoke(*words: str, workspace: Path, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished process of `invoke WORDS`; its output is decoded strictly, so that mojibake fails the test."""
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=ROOT,
        env={**os.environ, "TRTLLM_WORKSPACE": str(workspace), "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
