"""Networks of the Docker Engine that containers have of their own: asked for in a plan's words, made, removed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from environment.container import Engine, explained
from environment.docker_errors import DockerTrouble
from environment.docker_run import not_known
from environment.errors import Trouble
from environment.image_layout import MADE_BY


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a plan's `docker network create` asks for."""

    name: str
    driver: str
    options: Mapping[str, str]
    labels: Mapping[str, str]


def network(command: tuple[str, ...]) -> Network:
    """What the words ask for; raises Trouble for an option that nobody here carries out."""
    *flags, name = command[3:]
    said: dict[str, list[str]] = {"--driver": [], "--opt": [], "--label": []}
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        if flag not in said:
            raise not_known(f"docker network create {flag}")
        said[flag].append(value)
    options, labels = (dict(text.partition("=")[::2] for text in said[flag]) for flag in ("--opt", "--label"))
    return Network(name=name, driver=(*("bridge",), *said["--driver"])[-1], options=options, labels=labels)


def make(engine: Engine, asked: Network) -> None:
    """Makes the network, unless it is there; raises Trouble when one of that name is there that is somebody else's."""
    there = found(engine, asked.name)
    if there is None:
        with explained(f"making the network {asked.name}"):
            engine.client.create_network(
                asked.name,
                driver=asked.driver,
                options=dict(asked.options),
                labels=dict(asked.labels),
                check_duplicate=True,
            )
    elif MADE_BY not in (there["Labels"] or {}):
        why = "it would be removed with the server, and nobody knows what it lets through"
        mend = f"docker network rm {asked.name}, or serve under another name: --name OTHER"
        raise Trouble(f"there is a network {asked.name} that was not made here", why=why, mend=mend)


def remove(engine: Engine, name: str) -> None:
    """Removes a network that was made here; nothing when there is none, or when a container that runs is on it."""
    there = found(engine, name)
    if there is not None and MADE_BY in (there["Labels"] or {}):
        with suppress(DockerTrouble), explained(f"removing the network {name}"):
            engine.client.remove_network(there["Id"])


def made_here(engine: Engine) -> list[str]:
    """The names of the networks that were made here."""
    with explained("listing networks"):
        return [one["Name"] for one in engine.client.networks(filters={"label": MADE_BY})]


def found(engine: Engine, name: str) -> Mapping[str, Any] | None:
    """The network of exactly that name; None when there is none."""
    with explained(f"looking for the network {name}"):
        networks: list[dict[str, Any]] = engine.client.networks(names=[name])
    return next((one for one in networks if one["Name"] == name), None)
