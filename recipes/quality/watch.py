"""Who does the step of a serving plan that holds the answers against the checkpoint's own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from environment.execution import Actor
from environment.plan import Step
from recipes import runs
from recipes.crash import noticed
from recipes.quality import gate
from recipes.quality.reference import Computing, patience
from recipes.serve import QUALITY


@dataclass
class Watch:
    """Who does it: computes the checkpoint's answers while the server loads its engine, asks the server, compares."""

    own: Computing
    name: str
    folder: Path
    kind: str
    begun: float = field(default_factory=time.monotonic)

    def actors(self, waiting: Actor) -> Mapping[str, Actor]:
        """The step's actor, and the one that waits for the server, before which the computing begins."""

        def wait(words: tuple[str, ...], step: Step, log: Path) -> None:
            self.own.begin()
            waiting(words, step, log)

        return {"curl": wait, QUALITY: self.hold}

    def hold(self, _words: tuple[str, ...], _step: Step, _log: Path) -> None:
        """Raises Differs for answers that part too far."""
        run = runs.read(self.folder, self.name)
        if run is not None:
            with noticed(self.folder, run):
                gate.hold(run, self.own, patience(time.monotonic() - self.begun), self.folder, self.kind)
