"""How a server is, as the system sees it: the Docker Engine of a container, the kernel of a process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`ended` is empty while it runs, else how it ended. `since` is in seconds since the epoch.

    `memory` and its `limit` are in bytes. None is not known, or no limit. `restarts` are Docker's, after its end.
    """

    ended: str = ""
    since: float | None = None
    memory: int | None = None
    limit: int | None = None
    restarts: int = 0
