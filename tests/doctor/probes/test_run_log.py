"""The end of the last server's log is read when it tells of trouble; an old one, and a quiet one, are let be."""

from __future__ import annotations

import os
import time
from pathlib import Path

from doctor.facts.run_log import RunLog, parse
from doctor.probes.run_log import TAIL, probes
from doctor.probes.taking import take


def run(runs: Path, name: str, text: str, age: float = 0) -> None:
    (runs / name).mkdir(parents=True)
    (runs / name / "server.log").write_text(text)
    when = time.time() - age
    os.utime(runs / name / "server.log", (when, when))


def test_the_newest_log_with_trouble_in_it_is_read(tmp_path: Path) -> None:
    run(tmp_path, "older", "Error: of yesterday\n", age=3600)
    run(tmp_path, "newer", "E1127 something failed\n")
    assert parse(take(probes(tmp_path))) == RunLog(name="newer", text="E1127 something failed\n")


def test_of_a_quiet_log_only_the_name_is_kept(tmp_path: Path) -> None:
    run(tmp_path, "quiet", "I1127 all is well\n")
    assert parse(take(probes(tmp_path))) == RunLog(name="quiet", text="")


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    run(tmp_path, "long", "x" * (TAIL * 2) + "\nfatal\n")
    found = parse(take(probes(tmp_path)))
    assert isinstance(found, RunLog)
    assert found.text.endswith("\nfatal\n")
    assert len(found.text) == TAIL


def test_no_log_and_an_old_log_are_none(tmp_path: Path) -> None:
    assert parse(take(probes(tmp_path / "none"))) is None
    run(tmp_path, "old", "fatal\n", age=10 * 86_400)
    assert parse(take(probes(tmp_path))) is None
