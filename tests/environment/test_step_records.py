"""What a step took is known afterwards, however it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment import execution
from environment.console import duration
from environment.errors import Trouble
from environment.execution import carry_out
from environment.metering import Meter, metered, resident, watched
from environment.outputs import skipped
from environment.plan import Plan, Step
from environment.step_records import NAME, StepRecord, last_run, latest, read
from tests.command_line import invoke

HELD = 64 << 20  # bytes


def plan(*steps: Step, last: tuple[Step, ...] = ()) -> Plan:
    return Plan(purpose="try", release="v0.10.0", steps=steps, last=last)


def shell(title: str, script: str, output: str = "") -> Step:
    return Step(title=title, tool="sh", argv=("sh", "-c", script), output=output)


def test_each_step_tells_its_time_its_peak_and_its_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, noticed = tmp_path / "made", tmp_path / "noticed"

    def notice(session: int) -> int | None:
        found = resident(session)
        if (found or 0) > HELD:
            noticed.touch()
        return found

    monkeypatch.setattr(execution, "resident", notice)
    wait = f"import os, time\nheld = bytearray({HELD})\nwhile not os.path.exists('{noticed}'): time.sleep(0.01)"
    write = shell("Write", f"head -c 3000000 /dev/urandom > {made}; sync {made}", str(made))
    hold = Step(title="Hold", tool="python3", argv=("sh", "-c", f'python3 -c "{wait}"; sleep 0.2'))
    carry_out(plan(write, hold), tmp_path / "logs")
    first, second = read(tmp_path / "logs")
    assert (first.title, first.ended, first.step, first.steps) == ("Write", "done", 1, 2)
    assert first.disk is not None
    assert abs(first.disk - 3_000_000) < 100_000
    assert second.seconds >= 0.2
    assert second.memory is not None
    assert HELD < second.memory < 3 * HELD  # of the shell's child, too
    assert Path(second.log).name == "02-python3.log"


def test_what_is_there_already_is_recorded_and_told_before(tmp_path: Path) -> None:
    there, absent = shell("There", "exit 9", str(tmp_path)), shell("Absent", "true", str(tmp_path / "no"))
    assert skipped(plan(absent, there)) == {2: str(tmp_path)}
    carry_out(plan(there), tmp_path / "logs")
    (only,) = read(tmp_path / "logs")
    assert (only.ended, only.there) == ("there", str(tmp_path))


def test_a_step_that_fails_and_one_that_is_done_at_the_end_are_recorded(tmp_path: Path) -> None:
    with pytest.raises(Trouble):
        carry_out(plan(shell("Fail", "exit 3"), shell("Never", "true"), last=(shell("Give back", "true"),)), tmp_path)
    assert [(row.title, row.ended) for row in read(tmp_path)] == [("Fail", "failed"), ("Give back", "done")]


def test_an_interrupted_step_is_told_apart_from_a_failed_one(tmp_path: Path) -> None:
    def interrupted(_words: tuple[str, ...], _step: Step, _log: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(plan(shell("Wait", "true")), tmp_path, {"sh": interrupted})
    assert [row.ended for row in read(tmp_path)] == ["interrupted"]


def test_the_next_time_begins_with_how_long_it_took(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    old = StepRecord(run=1, step=1, steps=1, title="Build", tool="sh", ended="done", began=1, seconds=754)
    failed = StepRecord(run=2, step=1, steps=1, title="Build", tool="sh", ended="failed", began=2, seconds=3)
    (tmp_path / NAME).write_bytes(b"".join(json.dumps(_plain(each)).encode() + b"\n" for each in (old, failed)))
    carry_out(plan(shell("Build", "true")), tmp_path)
    assert "Build (13 min last time)" in capfd.readouterr().err
    assert [row.seconds < 100 for row in last_run(read(tmp_path))] == [True]


def _plain(record: StepRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    carry_out(plan(shell("One", "true")), tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"run": 1, "st\n')
    assert [row.title for row in read(tmp_path)] == ["One"]


def test_the_newest_run_is_shown_and_one_can_be_named(tmp_path: Path) -> None:
    for name in ("older", "newer"):
        carry_out(plan(shell(f"Build {name}", "true")), tmp_path / "runs" / name / "steps")
    assert [row.title for row in latest(tmp_path / "runs", "older")] == ["Build older"]
    shown = invoke("steps", workspace=tmp_path)
    assert (shown.returncode, "Build newer" in shown.stdout, "1/1" in shown.stdout) == (0, True, True)
    rows = json.loads(invoke("steps", "--name", "older", "--json", workspace=tmp_path).stdout)
    assert (rows["schema"], rows["steps"][0]["title"]) == ("steps/1", "Build older")
    assert "no steps are recorded of 'other'" in invoke("steps", "--name", "other", workspace=tmp_path).stderr


@pytest.mark.parametrize("torn", [b"", b'{"run": 1.0, "st', b"\0" * 100])
def test_what_comes_after_a_line_that_was_cut_short_is_read(torn: bytes, tmp_path: Path) -> None:
    for title in ("First", "Second"):
        carry_out(plan(shell(title, "true")), tmp_path)
        with (tmp_path / NAME).open("ab") as file:
            file.write(torn)
    carry_out(plan(shell("Third", "true")), tmp_path)
    assert [record.title for record in read(tmp_path)] == ["First", "Second", "Third"]


def test_nobody_reads_where_nobody_wants_to_know() -> None:
    def read_it() -> int:
        raise AssertionError

    with watched(read_it):
        pass
    with metered() as meter, watched(lambda: None):
        pass
    assert meter.peak is None


def test_a_meter_keeps_the_largest_reading() -> None:
    meter = Meter()
    for reading in (3, None, 9, 4):
        meter.note(reading)
    assert meter.peak == 9


def test_a_session_that_has_ended_has_no_memory() -> None:
    assert resident(-5) is None


@pytest.mark.parametrize(("seconds", "said"), [(0.04, "0.0 s"), (61, "61.0 s"), (754, "13 min"), (7500, "2 h 5 min")])
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
