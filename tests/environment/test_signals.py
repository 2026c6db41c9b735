"""Which signals end what is under way: those that somebody chose to ignore do not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from environment.signals import ENDING, interrupts_held, terminable, uninterrupted


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


def test_what_cleans_up_is_done_to_its_end_and_the_signal_is_heard_then(number: signal.Signals) -> None:
    done = []

    @uninterrupted()
    def cleans() -> None:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        done.append("cleaned")

    with pytest.raises(KeyboardInterrupt):
        cleans()
    assert done == ["cleaned"]


def test_a_thread_leaves_signals_alone() -> None:
    done = []

    def cleans() -> None:
        with terminable(), uninterrupted():
            done.append("cleaned")

    thread = threading.Thread(target=cleans)
    thread.start()
    thread.join()
    assert done == ["cleaned"]
