"""Servers side by side: which ports a server takes when nobody says, so that each has its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from recipes import processes, runs
from recipes.deployment import Ports
from recipes.ports import free
from recipes.runs import Run

USUAL = asdict(Ports())


def ports_for(name: str, said: Mapping[str, int], folder: Path) -> Ports:
    """The ports of the server `name`: what is `said` of them (`http`, `grpc`, `metrics`), or where it listens already.

    Else the first from the usual one on that no other server recorded in `folder` listens on. What a stranger holds
    is not gone around: a client would find the stranger there. Raises Usage for what can be no ports.
    """
    there = {run.name: listening(run) for run in runs.recorded(folder)}
    own = there.pop(name, {})
    held = {port for ports in (said, *there.values()) for port in ports.values()}
    chosen: dict[str, int] = {}
    for kind, usual in USUAL.items():
        chosen[kind] = said[kind] if kind in said else own.get(kind) or first(usual, {*held, *chosen.values()})
    return Ports(**chosen)


def listening(run: Run) -> dict[str, int]:
    """The ports of a recorded server on which somebody listens now; all of one that may still be starting."""
    recorded = {kind: int(getattr(run, kind)) for kind in USUAL}
    if processes.alive(run.process, run.born):
        return recorded
    return {kind: port for kind, port in recorded.items() if not free(port)}


def first(usual: int, held: Collection[int]) -> int:
    """The first port from the usual one on that is not held."""
    return next(port for port in range(usual, usual + len(held) + 1) if port not in held)
