"""What is often written behind a failure by what ended well all the same: a cleanup, a `finally`, a shell, a CI job."""

from __future__ import annotations

import io
from functools import cache

from doctor.diagnosis.cause import diagnosed
from tests.doctor.corpus import Recorded, corpus

EPILOGUES = (
    "done.",
    "all done",
    "Finished in 12.3s",
    "Cleanup done",
    "cleanup: 3 of 3 done",
    "INFO:__main__:shutdown complete",
    "2026-11-28 02:00:00,001 - app - INFO - cleanup finished",
    "Server stopped",
    "Server shut down cleanly.",
    "container stopped gracefully",
    "Terminating server\nServer is running no more\nserver stopped",
    "Container triton  Stopping\nContainer triton  Removed\nRemoving network default ... done",
    "exit code: 0",
    "rc=0",
    "Process finished with exit code 0",
    "served 0 requests",
    "3 artifacts saved, 0 errors",
    "Uploading artifacts... done",
    "Successfully uploaded logs",
    "post-job: cache saved successfully",
    "Successfully installed pip-24.0",
    "Successfully tagged triton:1",
    "Status: Image is up to date for ubuntu:22.04",
    "Setting up curl (7.88.1)",
    "Build complete",
    "Build finished",
    "the report is ready",
)


def silenced(epilogue: str) -> list[str]:
    """The failures of the corpus that are called otherwise, or nothing, with the epilogue behind them."""
    failures = corpus("development")
    return [log.file for log in failures if _called(_with(log, epilogue)) != _called(log.path.read_bytes())]


def _with(log: Recorded, epilogue: str) -> bytes:
    return log.path.read_bytes().rstrip(b"\n") + f"\n{epilogue}\n".encode()


@cache
def _called(log: bytes) -> tuple[int, str]:
    """The exit code, and the id of the cause."""
    diagnosis = diagnosed("", io.BytesIO(log))
    return diagnosis.exit_code, diagnosis.root.symptom.id if diagnosis.root else ""
