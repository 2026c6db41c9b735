"""What `serve` asks before it starts: fast, and a refusal that names what is missing, found and needed."""

from __future__ import annotations

import socket
import time

import pytest

from doctor import bundle, preflight
from doctor.asked import Asked
from doctor.checks.registry import CHECKS
from doctor.judgement import judged, subject
from doctor.outcome import Outcome, State
from doctor.visit import Visit, probes, taken
from environment.errors import ExitCode, Trouble
from environment.releases import find
from environment.workspace import Workspace
from tests.doctor.test_hosts import HOSTS, NAMES

RELEASE = find("v0.10.0")


def failure(name: str, message: str, fix: str) -> Outcome:
    return Outcome(id=name, slug="s", title="t", state=State.FAIL, message=message, fix=fix)


def test_the_refusal_names_every_failure_and_each_remedy_once() -> None:
    failures = [failure("G008", "2 found, 4 needed", "lower --tp"), failure("D004", "no runtime", "lower --tp")]
    said = str(preflight.trouble(failures, RELEASE, "cannot serve {tag}"))
    assert "cannot serve v0.10.0" in said
    assert "G008 2 found, 4 needed" in said
    assert "D004 no runtime" in said
    assert said.count("lower --tp") == 1
    assert preflight.trouble(failures, RELEASE, "").code is ExitCode.FAILURE


def test_this_host_is_judged_in_little_more_than_its_time() -> None:
    assert any(seconds_to_judge() < 3 * preflight.DEADLINE for _ in range(3))


def seconds_to_judge() -> float:
    start = time.monotonic()
    said = preflight.judge(RELEASE, Asked(gpus=4, tensor_parallel=4))
    took = time.monotonic() - start
    assert {outcome.id for outcome in said} == preflight.SERVING
    assert not [outcome for outcome in said if outcome.crashed]
    return took


def test_what_is_built_alone_needs_no_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        said = {
            serves: next(
                one.state for one in preflight.judge(RELEASE, Asked(http_port=port, serves=serves)) if one.id == "S001"
            )
            for serves in (True, False)
        }
    assert said == {True: State.FAIL, False: State.SKIP}


def test_a_thousand_gpus_are_nowhere() -> None:
    with pytest.raises(Trouble, match=r"cannot serve v0\.10\.0") as raised:
        preflight.require(RELEASE, Asked(gpus=1000, tensor_parallel=1000))
    assert "1000 needed" in raised.value.why


@pytest.mark.parametrize("name", NAMES)
def test_its_checks_are_judged_by_the_readings_it_takes_alone(name: str) -> None:
    readings = bundle.load(HOSTS / f"{name}.json")
    visit = Visit(tag=RELEASE.tag, workspace=Workspace(HOSTS))
    spared = {each for probe in probes(visit) if not preflight.READ & set(probe.gives) for each in probe.gives}
    checks = [check for check in CHECKS if check.id in preflight.SERVING]
    few = {name: taken for name, taken in readings.items() if name not in spared}
    assert len(few) < len(readings)
    for asked in (Asked(), Asked(gpus=4, tensor_parallel=4, http_port=22)):
        whole, part = (judged(subject(each, RELEASE, asked), "en", checks) for each in (readings, few))
        assert whole == part


def test_nothing_is_read_that_no_check_of_it_needs() -> None:
    wanted = [set(probe.gives) for probe in probes(Visit(tag=RELEASE.tag, workspace=Workspace(HOSTS)))]
    read = taken(Visit(tag=RELEASE.tag, workspace=Workspace(HOSTS)), deadline=2, only=preflight.READ)
    assert set(read) == set().union(*(gives for gives in wanted if gives & preflight.READ))
    assert not {"libraries", "kernel-log", "run/log"} & set(read)
