"""Which process a record means: after its end, after another got its id, after a reboot, after the clock was set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from recipes import processes


def test_a_birth_is_the_boot_and_the_ticks_since_whatever_the_clock_says() -> None:
    boot, ticks = processes.birth(os.getpid()).split()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    since_boot = psutil.Process().create_time() - psutil.boot_time()
    assert abs(int(ticks) / os.sysconf("SC_CLK_TCK") - since_boot) < 1


def test_the_process_itself_is_alive_and_no_other_with_its_id() -> None:
    mine = processes.birth(os.getpid())
    boot, ticks = mine.split()
    assert processes.alive(os.getpid(), mine)
    assert not processes.alive(os.getpid(), f"{boot} {int(ticks) - 1}")


def test_after_a_reboot_nothing_recorded_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that a boot starts by itself gets the same id, at the same tick, sooner than one would think."""
    mine = processes.birth(os.getpid())
    (tmp_path / "boot_id").write_text("0f9a2c1e-5b7d-4a3e-9c1f-2d4b6a8c0e1f\n")
    monkeypatch.setattr(processes, "BOOT", tmp_path / "boot_id")
    assert not processes.alive(os.getpid(), mine)


def test_a_name_with_spaces_and_brackets_is_no_matter() -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'a) Z 1 (b', 0, 0, 0)"
    code = f"{rename}; print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        born = processes.birth(process.pid)
        process.communicate(b"\n")
    assert int(born.split()[1]) > 0
    assert processes.birth(process.pid) == ""


def test_a_process_that_has_ended_unread_is_not_alive() -> None:
    reading = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", reading], stdin=subprocess.PIPE) as process:
        born = processes.birth(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not processes.alive(process.pid, born)


def test_a_record_without_a_birth_means_no_process() -> None:
    assert not processes.alive(os.getpid(), "")
    assert not processes.alive(2**22 + 1, processes.birth(2**22 + 1))
