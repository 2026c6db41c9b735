"""The kernel's own answer holds what `dmesg` prints of it, and a refusal is one."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import pytest

from doctor.probes import host
from doctor.probes.kernel_log import bare, kernel_log
from doctor.probes.taking import take


def test_it_is_what_dmesg_prints() -> None:
    printed = subprocess.run(("dmesg", "--notime"), capture_output=True, text=True, check=False) if DMESG else None
    taken = kernel_log()
    if taken.status != "read" or printed is None or printed.returncode:
        assert taken.status in {"read", "refused"}
        return
    own, theirs = [bare(line) for line in taken.text.splitlines()], printed.stdout.splitlines()
    first = theirs.index(own[0])  # the kernel may have dropped a line between the two readings, and written another
    common = min(len(own), len(theirs) - first)
    assert common > len(theirs) // 2
    assert own[:common] == theirs[first : first + common]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("<6>[    0.000000] Linux version 6.1", "Linux version 6.1"),
        ("<3>[12345.678901][T1234] NVRM: Xid (PCI:0000:01:00): 79", "NVRM: Xid (PCI:0000:01:00): 79"),
        ("<6>Out of memory: Killed process 7 (cc1plus)", "Out of memory: Killed process 7 (cc1plus)"),
        ("no prefix at all", "no prefix at all"),
    ],
)
def test_priority_and_time_are_taken_off(line: str, words: str) -> None:
    assert bare(line) == words


def test_a_log_that_only_root_may_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, *_: object, **__: object) -> None:
            """Loads nothing."""

        def klogctl(self, *_: object) -> int:
            ctypes.set_errno(1)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Refusing)
    taken = kernel_log()
    assert (taken.status, taken.reason) == ("refused", f"the kernel's log: {os.strerror(1)}")


def test_only_lines_of_trouble_are_kept() -> None:
    probe = next(each for each in host.probes({}, 8000) if each.gives == ("kernel-log",))
    kept = take((probe,))["kernel-log"].text.splitlines()
    assert not [line for line in kept if not any(word in line for word in host.KERNEL_WORDS)]


DMESG = shutil.which("dmesg")
