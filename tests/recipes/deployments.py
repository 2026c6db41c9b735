"""Deployments the tests share: the recipe `qwen2` on a workspace that need not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environment.workspace import Workspace
from recipes.deployment import Deployment, Ports, deploy

WORKSPACE = Workspace(Path("/srv/trtllm"))
USER = "1000:1000"


def deployment(recipe: str = "qwen2", **options: Any) -> Deployment:
    """As `invoke serve` makes it."""
    return deploy(recipe, workspace=WORKSPACE, **{"ports": Ports(), **options})
