"""What is judged: facts, the release they are judged for, and what is asked of them. Values only."""

from __future__ import annotations

from doctor.advisories import Advisories
from doctor.asked import Asked
from doctor.facts.artifacts import Artifacts
from doctor.facts.docker import Docker
from doctor.facts.gpu import Gpus
from doctor.facts.host import Host
from doctor.facts.hub import Hub
from doctor.facts.image import Image
from doctor.facts.linking import Linking
from doctor.facts.run_log import RunLog
from doctor.facts.source import Source
from environment.data import Value
from environment.releases import Release
from environment.unknown import Unknown


class Subject(Value, frozen=True, kw_only=True):
    """Everything a check may look at; None is what was not named."""

    host: Host
    gpus: Gpus
    docker: Docker
    release: Release
    asked: Asked
    advisories: Advisories
    image: Image | None = None
    linking: Linking | Unknown | None = None
    source: Source | None = None
    artifacts: Artifacts = Artifacts()
    hub: Hub | Unknown | None = None
    run_log: RunLog | Unknown | None = None
