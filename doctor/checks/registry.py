"""Every check there is: a plain list. A family is a module; adding a check is a function, a row and its texts."""

from __future__ import annotations

from doctor.checks import docker, gpu
from doctor.outcome import Check
from doctor.subject import Subject

CHECKS: list[Check[Subject]] = [
    *gpu.CHECKS,
    *docker.CHECKS,
]
