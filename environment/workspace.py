"""Where checkpoints, engines, model repositories and runs lie. Nothing outside it (and `.venv`) is ever written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from environment.home import expanded

VARIABLE, LOCK_VARIABLE = "TRTLLM_WORKSPACE", "TRTLLM_LOCK"
PROJECT = Path(__file__).parents[1]  # this checkout


@dataclass(frozen=True)
class Workspace:
    """One folder with the same path on the host and in every container that is given it."""

    root: Path

    @property
    def checkpoints(self) -> Path:
        """Hugging Face checkpoints, and what is converted from them."""
        return self.root / "checkpoints"

    @property
    def datasets(self) -> Path:
        """Data sets that quantization is calibrated with and benchmarks are run on."""
        return self.root / "datasets"

    @property
    def engines(self) -> Path:
        """TensorRT engines, one folder an identity."""
        return self.root / "engines"

    @property
    def repositories(self) -> Path:
        """Triton model repositories, filled from a release's templates."""
        return self.root / "repositories"

    @property
    def runs(self) -> Path:
        """What runs or ran: records, logs."""
        return self.root / "runs"


def current(beside: Path = PROJECT) -> Workspace:
    """The workspace that TRTLLM_WORKSPACE names, else the folder `workspace` in `beside`."""
    return Workspace(expanded(os.environ.get(VARIABLE) or str(beside / "workspace")))


def lock_file(beside: Path = PROJECT) -> Path:
    """The lock file that TRTLLM_LOCK names, else `trtllm.lock.json` in `beside`."""
    return expanded(os.environ.get(LOCK_VARIABLE) or str(beside / "trtllm.lock.json"))
