"""What holds for every test: the same examples in every run, and no deadline on a busy machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("home", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("home")
