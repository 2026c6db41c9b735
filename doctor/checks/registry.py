"""Every check there is: a plain list. A family is a module; adding a check is a function, a rule and its texts."""

from __future__ import annotations

from doctor.checks import (
    build,
    checkpoint,
    containers,
    docker,
    driver,
    engine,
    gpu,
    gpu_health,
    host,
    hub,
    image,
    loading,
    provenance,
    repository,
    run_log,
    security,
    serving,
    smoke,
    trust,
)
from doctor.outcome import Check
from doctor.subject import Subject

CHECKS: list[Check[Subject]] = [
    *host.CHECKS,
    *driver.CHECKS,
    *gpu.CHECKS,
    *gpu_health.CHECKS,
    *docker.CHECKS,
    *smoke.CHECKS,
    *image.CHECKS,
    *provenance.CHECKS,
    *checkpoint.CHECKS,
    *hub.CHECKS,
    *engine.CHECKS,
    *loading.CHECKS,
    *repository.CHECKS,
    *serving.CHECKS,
    *containers.CHECKS,
    *run_log.CHECKS,
    *build.CHECKS,
    *security.CHECKS,
    *trust.CHECKS,
]
