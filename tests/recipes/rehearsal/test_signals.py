"""Which signals end what is under way: those that somebody chose to ignore do not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from recipes.rehearsal.server import ENDING, interrupts_held, terminable


@pytest.fixture(params=ENDING, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    asked: signal.Signals = request.param
    before = signal.signal(asked, signal.default_int_handler)
    yield asked
    signal.signal(asked, before)


def test_one_that_comes_between_a_start_and_its_record_waits_until_then(number: signal.Signals) -> None:
    with interrupts_held() as release:
        os.kill(os.getpid(), number)  # nothing happens yet
        with pytest.raises(KeyboardInterrupt):
            release()


def test_one_that_is_ignored_is_not_heard_in_between_either(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with terminable(), interrupts_held() as release:
        os.kill(os.getpid(), number)
        release()
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == signal.SIG_IGN
