"""The last look before a plan is carried out: is the GPUs' kind known, is there room, does somebody use the GPUs."""

from __future__ import annotations

from environment.console import say
from environment.outputs import skipped
from environment.plan import Plan
from recipes import gpus, room, running
from recipes.deployment import Deployment


def require(deployment: Deployment, plan: Plan) -> None:
    """Says what may go wrong for want of disk, memory or GPUs; raises Trouble for what certainly will."""
    gpus.require_compute(deployment.gpus)
    workspace = deployment.workspace
    others = [run for run in running.living(workspace.runs) if not run.rehearsal and run.name != deployment.name]
    servers = {run.name: run.settings.get("gpus", "") for run in others}
    tight = room.require(deployment, plan, set(skipped(plan)), room.here(workspace.root))
    for line in (*tight, *gpus.shared(deployment.gpus, servers)):
        say(f"warning: {line}")
