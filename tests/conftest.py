"""What holds for every test: the same examples in every run, no deadline on a busy machine, signals that are heard."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("home", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("home")

# A signal that is ignored (SIGINT behind `&` in a script, SIGHUP under nohup) is ignored by all that the tests start,
# too; one whose handler does nothing is not. The tests themselves go on as before.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda _number, _frame: None)
