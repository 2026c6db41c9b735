from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from environment.errors import Trouble, Usage
from recipes import chosen, crash, processes, running, runs
from recipes.crash import Crashed
from recipes.ports import free, free_ports, refuse_taken
from recipes.runs import Run
from tests.waiting import soon


def run(name: str = "qwen2", process: int | None = None, born: str | None = None) -> Run:
    process = os.getpid() if process is None else process
    return Run(
        name=name,
        recipe="qwen2",
        release="v0.10.0",
        rehearsal=True,
        process=process,
        started=1.0,
        born=processes.birth(process) if born is None else born,
        http=1,
        grpc=2,
        metrics=3,
        model="ensemble",
        tokenizer="/t",
        settings={"a": "b"},
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    runs.write(tmp_path, run())
    assert running.living(tmp_path) == [run()]
    assert chosen.choose(tmp_path, "") == run()


def test_another_process_with_the_same_id_is_a_stale_record(tmp_path: Path) -> None:
    boot, ticks = processes.birth(os.getpid()).split()
    runs.write(tmp_path, run(born=f"{boot} {int(ticks) - 100}"))
    assert running.living(tmp_path) == []
    assert list(runs.each(tmp_path)) == []


def test_a_process_that_is_gone_is_a_stale_record(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    runs.write(tmp_path, run(process=int(gone.stdout)))
    with pytest.raises(Trouble, match="has ended by itself"):
        chosen.choose(tmp_path, "qwen2")


def test_choosing_among_several_needs_a_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        runs.write(tmp_path, run(name))
    with pytest.raises(Usage, match="several servers are running: a, b"):
        chosen.choose(tmp_path, "")
    with pytest.raises(Usage, match="unknown server 'aa'"):
        chosen.choose(tmp_path, "aa")
    assert chosen.choose(tmp_path, "b").name == "b"


@pytest.mark.parametrize("name", ["../x", "", "a/b", "-x", "x" * 64, "a\0b", "."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(Usage, match="no usable name"):
        runs.read(tmp_path, name)


@pytest.mark.parametrize("text", ["", "{", '{"name": 1}', "\xff", "\0" * 512])
def test_a_damaged_record_is_named_and_hides_no_other(text: str, tmp_path: Path) -> None:
    runs.write(tmp_path, run("other"))
    path = tmp_path / "qwen2" / runs.RECORD
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    assert running.living(tmp_path) == [run("other")]
    (trouble,) = running.look(tmp_path).damaged
    assert "run.json is not a valid Run" in trouble.what
    for asked in (chosen.choose, runs.read):
        with pytest.raises(Trouble, match=r"run.json is not a valid Run") as caught:
            asked(tmp_path, "qwen2")
        assert caught.value.mend.startswith(f"rm {path} ")
        assert "docker rm --force trtllm-qwen2" in caught.value.mend
    assert path.exists()


def test_a_name_is_held_by_one_serve_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(Trouble, match="another serve of 'a' is under way")
    with runs.exclusive(tmp_path, "a"), refused, runs.exclusive(tmp_path, "a"):
        pytest.fail("held twice")
    with runs.exclusive(tmp_path, "a"), runs.exclusive(tmp_path, "b"):
        pass


def test_stopping_ends_the_whole_session(tmp_path: Path) -> None:
    child = "import time, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with subprocess.Popen(
        [sys.executable, "-c", f"{child}; print(1, flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        runs.write(tmp_path, run(process=process.pid))
        running.stop(tmp_path, chosen.choose(tmp_path, ""))
    assert list(runs.each(tmp_path)) == []
    assert group_is_gone(process.pid)


def test_a_server_that_ignores_the_request_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.3)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{deaf}; time.sleep(60)'])"
    with subprocess.Popen(
        [sys.executable, "-c", f"{deaf}; {child}; print(1, flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        runs.write(tmp_path, run(process=process.pid))
        running.stop(tmp_path, chosen.choose(tmp_path, ""))
        assert process.wait() == -signal.SIGKILL
    assert list(runs.each(tmp_path)) == []
    assert group_is_gone(process.pid)


def group_is_gone(group: int) -> bool:
    """Whether nothing of it runs: an orphan that has ended stays a zombie until init looks, for seconds at times."""
    return soon(lambda: not set(states(group)) - {"Z", "X"})


def states(group: int) -> Iterator[str]:
    """The state of each process of a group (proc(5))."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, found = path.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(found) == group:
                yield state


def test_a_taken_port_is_refused_with_who_holds_it_and_what_is_free() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert not free(port)
        with pytest.raises(Trouble, match=rf"{port} \(grpc\) by .*\(process {os.getpid()}\)") as caught:
            refuse_taken({"grpc": port})
    offered = int(caught.value.mend.rpartition(" ")[2])
    assert free(offered)
    refuse_taken({"grpc": offered})


def test_free_ports_end_where_ports_end() -> None:
    assert len(free_ports(3, 65535)) <= 1


def test_a_server_that_died_is_told_with_its_log(tmp_path: Path) -> None:
    runs.write(tmp_path, run(process=2**22 + 1))
    with pytest.raises(Trouble, match="has ended by itself") as caught:
        chosen.choose(tmp_path, "")
    assert caught.value.log == tmp_path / "qwen2" / "server.log"


def test_what_has_ended_is_told_until_it_is_served_again_or_dismissed(tmp_path: Path) -> None:
    for name in ("qwen2", "dead"):
        runs.write(tmp_path, run(name, process=2**22 + 1))
    runs.write(tmp_path, run("other"))
    for _ in range(2):
        assert {each.name for each in running.look(tmp_path).ended} == {"qwen2", "dead"}
        assert chosen.choose(tmp_path, "").name == "other"
        with pytest.raises(Crashed, match="qwen2 has ended by itself"):
            chosen.choose(tmp_path, "qwen2")
    runs.write(tmp_path, run())
    assert [each.name for each in running.look(tmp_path).ended] == ["dead"]
    runs.dismiss(tmp_path, "qwen2")
    with pytest.raises(Crashed, match="dead has ended by itself"):
        chosen.choose(tmp_path, "dead")
    runs.dismiss(tmp_path, "")
    with pytest.raises(Usage, match="unknown server 'dead'"):
        chosen.choose(tmp_path, "dead")


def test_a_server_that_is_being_stopped_has_not_ended_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, told = processes.end, []

    def looked_at(process: int) -> None:
        ends(process)
        told.append((running.look(tmp_path), crash.of(tmp_path, "qwen2")))

    monkeypatch.setattr(processes, "end", looked_at)
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as process:
        runs.write(tmp_path, run(process=process.pid))
        running.stop(tmp_path, chosen.choose(tmp_path, ""))
    assert told == [(([], [], []), None)]
    assert running.look(tmp_path) == ([], [], [])


def test_stopping_what_was_put_aside_meanwhile_is_the_end_of_it(tmp_path: Path) -> None:
    runs.write(tmp_path, run(process=2**22 + 1))
    (gone,) = running.look(tmp_path).ended
    running.stop(tmp_path, gone)
    assert running.look(tmp_path) == ([], [], [])


def test_a_damaged_record_of_what_has_ended_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "qwen2").mkdir()
    (tmp_path / "qwen2" / runs.ENDED).write_text("{")
    with pytest.raises(Trouble, match="no server is running"):
        chosen.choose(tmp_path, "")
