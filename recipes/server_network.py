"""The network that a server's container has to itself: made before the start, gone with the container."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from environment.docker_errors import DockerTrouble
from environment.plan import Plan, Step

TOOL = "network"  # the tool of the step that makes it


def make(words: tuple[str, ...], _step: Step, _log: Path) -> None:
    """The actor of the step."""
    from environment import networks
    from environment.container import connect

    networks.make(connect(), networks.network(words))


def clear(plan: Plan) -> None:
    """After a failure of the plan: removes the network that it makes, unless there is a container for it."""
    from environment import networks
    from environment.container import connect
    from environment.containers import state

    for name in (networks.network(step.argv).name for step in plan.steps if step.tool == TOOL):
        with suppress(DockerTrouble):
            engine = connect()
            if state(engine, name) is None:
                networks.remove(engine, name)
