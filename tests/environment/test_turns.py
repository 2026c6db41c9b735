"""Two processes that would write into the same place take turns."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from environment.turns import alone
from tests.waiting import soon


def test_a_second_one_says_that_it_waits_and_waits(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lock, inside = tmp_path / "new" / "in-use", threading.Event()

    def second() -> None:
        with alone(lock, "making an image"):
            inside.set()

    said = ""

    def told() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "another process is making an image: waiting for it" in said

    with alone(lock, "making an image"):
        thread = threading.Thread(target=second)
        thread.start()
        assert soon(told)
        assert not inside.is_set()
    thread.join()
    assert inside.is_set()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more
