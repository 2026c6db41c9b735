"""Real hosts, recorded: the same readings always give the same facts and the same outcomes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doctor import bundle, report
from doctor.asked import Asked
from doctor.facts import docker, gpu
from doctor.facts.readings import Reading
from doctor.judgement import judged, subject
from doctor.outcome import Outcome, State
from environment.errors import ExitCode
from environment.releases import find
from environment.unknown import Unknown

HOSTS = Path(__file__).parents[1] / "transcripts" / "hosts"
NAMES = sorted(path.stem for path in HOSTS.glob("*.json"))


def shown(each: Outcome) -> bool:
    """What was asked of the host itself; checkpoints, engines and repositories have tests of their own."""
    return each.state is not State.SKIP and each.id[0] in "HGDSX"


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_host_is_judged_as_before(name: str) -> None:
    outcomes = judged(subject(bundle.load(HOSTS / f"{name}.json"), find("v0.10.0"), Asked()))
    said = [f"{each.id} {each.state.value} {each.message}" for each in outcomes if shown(each)]
    assert "\n".join(sorted(said)) + "\n" == (HOSTS / f"{name}.txt").read_text(encoding="utf-8")


def test_what_nvml_said_on_an_h200_is_understood() -> None:
    gpus = gpu.parse(bundle.load(HOSTS / "h200.json"))
    assert (gpus.driver, gpus.cuda) == ("580.159.04", (13, 0))
    assert isinstance(gpus.devices, tuple)
    [device] = gpus.devices
    assert (device.name, device.compute, device.data_center) == ("NVIDIA H200", (9, 0), True)
    assert device.cores == 132 * 128
    assert device.memory_total == 150_754_820_096
    assert not [value for value in msgspec.structs.astuple(device) if isinstance(value, Unknown)]
    assert device.retired_pending is None  # this GPU remaps rows instead of retiring pages


@pytest.mark.parametrize(
    ("name", "engine"), [("docker-up", "up"), ("docker-down", "down"), ("docker-hung", "hung"), ("h200", "missing")]
)
def test_what_docker_said_is_understood(name: str, engine: str) -> None:
    found = docker.parse(bundle.load(HOSTS / f"{name}.json"))
    assert found.engine == engine
    assert isinstance(found.version, Unknown) is (engine != "up")


def test_a_hung_engine_is_unknown_and_a_stopped_one_a_failure() -> None:
    state = {
        name: {
            each.id: each.state
            for each in judged(subject(bundle.load(HOSTS / f"{name}.json"), find("v0.10.0"), Asked()))
        }
        for name in ("docker-hung", "docker-down")
    }
    assert state["docker-hung"]["D001"] is State.UNKNOWN
    assert state["docker-down"]["D001"] is State.FAIL


def test_a_client_that_was_killed_says_nothing_of_the_engine() -> None:
    killed = Reading(status="failed", reason="docker ended with -9")
    assert docker.parse({"docker/info": killed}).engine == "hung"


def test_more_gpus_than_there_are_is_a_failure_on_the_h200() -> None:
    asked = Asked(gpus=4, tensor_parallel=4)
    outcomes = judged(subject(bundle.load(HOSTS / "h200.json"), find("v0.10.0"), asked))
    assert "1 GPUs found, 4 needed (tp 4 x pp 1)" in [each.message for each in outcomes]
    assert report.exit_code(outcomes) is ExitCode.FAILURE


def test_four_gpus_linked_with_each_other_will_do_for_four_ranks_and_not_for_eight() -> None:
    readings = bundle.load(HOSTS / "h100x4.json")
    asked = {n: judged(subject(readings, find("v0.10.0"), Asked(gpus=n, tensor_parallel=n))) for n in (4, 8)}
    said = {n: {each.id: each for each in outcomes} for n, outcomes in asked.items()}
    assert [said[4][each].state for each in ("G008", "G010", "G013", "G019")] == [State.PASS] * 4
    assert (said[8]["G008"].state, said[8]["G008"].message) == (State.FAIL, "4 GPUs found, 8 needed (tp 8 x pp 1)")


def test_a_fault_provoked_on_a_real_gpu_is_seen_in_its_kernel_log() -> None:
    outcomes = judged(subject(bundle.load(HOSTS / "h100x4.json"), find("v0.10.0"), Asked()))
    [fault] = [each for each in outcomes if each.id == "G017"]
    assert (fault.state, "Xid 31, 43" in fault.message) == (State.WARN, True)
