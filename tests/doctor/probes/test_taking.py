"""A probe that hangs, breaks or talks too much costs its own readings and nothing else."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from doctor.facts.readings import Reading
from doctor.probes import taking
from doctor.probes.taking import Probe, take
from tests.waiting import PATIENCE, is_running, soon

WELL = Reading(text="well")


def quick() -> Iterator[tuple[str, Reading]]:
    yield "quick", WELL


def hung() -> Iterator[tuple[str, Reading]]:
    yield "first", WELL
    time.sleep(60)


def broken() -> Iterator[tuple[str, Reading]]:
    yield "first", WELL
    raise ValueError("no such luck")


def killed() -> Iterator[tuple[str, Reading]]:
    yield "first", WELL
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(5)


def endless() -> Iterator[tuple[str, Reading]]:
    while True:
        yield "first", Reading(text="x" * 100_000)


def test_readings_come_from_every_probe() -> None:
    probes = (Probe(gives=("quick",), read=quick), Probe(gives=("first", "second"), read=broken))
    assert take(probes)["quick"] == WELL


def test_a_hung_probe_is_cut_at_its_deadline_and_what_it_gave_before_is_kept() -> None:
    gave = threading.Event()

    def hangs() -> Iterator[tuple[str, Reading]]:
        yield "first", WELL
        gave.set()
        time.sleep(600)

    def waits_for_it() -> Iterator[tuple[str, Reading]]:
        gave.wait(PATIENCE)
        yield "quick", WELL

    hung, quick = (
        Probe(gives=("first", "second"), read=hangs, deadline=0.3),
        Probe(gives=("quick",), read=waits_for_it, deadline=PATIENCE),
    )
    start = time.monotonic()
    found = take((hung, quick))
    assert time.monotonic() - start < PATIENCE
    assert found["first"] == found["quick"] == WELL
    assert found["second"].status == "timeout"
    assert "0.3 s" in found["second"].reason


def test_a_probe_is_cut_with_its_children(tmp_path: Path) -> None:
    noted = tmp_path / "pid"

    def parent() -> Iterator[tuple[str, Reading]]:
        with subprocess.Popen(["sh", "-c", f"echo $$ >{noted}.new; mv {noted}.new {noted}; trap '' TERM; sleep 60"]):
            while not noted.exists():
                time.sleep(0.01)
            yield "child", WELL

    take((Probe(gives=("child",), read=parent, deadline=PATIENCE),))
    assert soon(lambda: not is_running(int(noted.read_text())))


def test_a_probe_that_breaks_its_process_takes_only_itself_along() -> None:
    found = take((Probe(gives=("first", "second"), read=killed, alone=True), Probe(gives=("quick",), read=quick)))
    assert found["quick"] == WELL
    assert found["second"].status == "failed"


def test_a_broken_probe_says_what_broke() -> None:
    found = take((Probe(gives=("first", "second"), read=broken),))
    assert found["first"] == WELL
    assert found["second"] == Reading(status="failed", reason="ValueError: no such luck")


def test_a_killed_probe_keeps_what_it_said() -> None:
    found = take((Probe(gives=("first", "second"), read=killed),))
    assert found["first"] == WELL
    assert found["second"].status == "failed"


def test_a_probe_that_breaks_in_a_library_says_with_which_signal() -> None:
    def crashes() -> Iterator[tuple[str, Reading]]:
        yield "first", WELL
        faulthandler.disable()
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(5)

    assert take((Probe(gives=("first", "second"), read=crashes),))["second"].reason.endswith("SIGSEGV")


def test_a_probe_that_talks_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "LARGEST", 1 << 20)
    found = take((Probe(gives=("first", "second"), read=endless, deadline=PATIENCE),))
    assert found["second"].status == "failed"  # one that is cut at its deadline says so


def test_probes_run_at_the_same_time() -> None:
    all_here = threading.Barrier(6)

    def one(name: str) -> Probe:
        def read() -> Iterator[tuple[str, Reading]]:
            all_here.wait(PATIENCE)
            yield name, WELL

        return Probe(gives=(name,), read=read, deadline=PATIENCE)

    assert set(take(tuple(one(f"p{number}") for number in range(6))).values()) == {WELL}


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "PATIENCE", (*taking.PATIENCE, *[0.1] * 600))
    take((Probe(gives=("second",), read=hung, deadline=0.2),))
    with suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)


def test_a_probe_writes_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    def loud() -> Iterator[tuple[str, Reading]]:
        os.write(1, b"out")
        os.write(2, b"err")
        yield "loud", WELL

    assert take((Probe(gives=("loud",), read=loud),)) == {"loud": WELL}
    assert capfd.readouterr() == ("", "")
