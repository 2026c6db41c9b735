"""The network that a server's container has to itself: made before the start, gone with the container."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from environment.console import say
from environment.docker_errors import DockerTrouble
from environment.plan import Plan, Step

if TYPE_CHECKING:
    from environment.container import Engine

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

    for name in (networks.network(step.argv).name for step in plan.steps if step.tool == TOOL):
        with suppress(DockerTrouble):
            remove_lonely(connect(), name)


def clear_left() -> None:
    """Removes the networks of servers that never came to be, as after a power cut in a start, and says so."""
    from environment import networks
    from environment.container import connect

    with suppress(DockerTrouble):
        engine = connect()
        for name in networks.made_here(engine):
            if remove_lonely(engine, name):
                say(f"the network {name} was left of a start that was cut short; it is removed.")


def remove_lonely(engine: Engine, name: str) -> bool:
    """Removes a server's network that has no container, and tells whether it did."""
    from environment import networks
    from environment.containers import state

    if lonely := state(engine, name) is None:
        networks.remove(engine, name)
    return lonely
