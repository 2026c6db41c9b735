"""What holds for every test, whoever runs it where.

The same examples in every run, no deadline on a busy machine, signals that are heard, nobody's own settings.
"""

from __future__ import annotations

import os
import re
import signal

from hypothesis import HealthCheck, settings

settings.register_profile("home", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("home")

# A signal that is ignored (SIGINT behind `&` in a script, SIGHUP under nohup) is ignored by all that the tests start,
# too; one whose handler does nothing is not. The tests themselves go on as before.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda _number, _frame: None)

# What a person or a company sets for themselves: a mirror, a proxy that knows no loopback address, an engine, colours.
OWN = re.compile(
    r"HF_\w+|\w+_PROXY|DOCKER_(HOST|CONTEXT|CONFIG)|TRTLLM_(WORKSPACE|LOCK|OPENAI_KEY)|INVOKE_\w+"
    r"|FORCE_COLOR|NO_COLOR|COLUMNS|PYTHONWARNINGS",
    re.IGNORECASE,
)
for name in filter(OWN.fullmatch, list(os.environ)):
    del os.environ[name]
