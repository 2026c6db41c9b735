"""A colleague's machine and folders from a bundle: the same outcomes, no secret and no name, and no harm by junk."""

from __future__ import annotations

import json
import re
import resource
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doctor import bundle
from doctor.asked import Asked, Named
from doctor.facts.readings import Reading
from doctor.judgement import judged, subject
from doctor.outcome import Outcome, State
from doctor.probes.artifacts import deep_probes, probes
from doctor.probes.taking import take
from doctor.redaction import without_names, without_secrets
from environment.releases import find
from tests.command_line import invoke
from tests.doctor.test_redaction import CANARIES
from tests.environment.artifacts import engine_folders, repository_folders
from tests.environment.artifacts.test_checkpoint import CHATGLM3, folder

RELEASE = find("v0.10.0")
HOSTS = Path(__file__).parents[1] / "transcripts" / "hosts"
OWN_TOKENIZER = "class T:\n    @property\n    def eos_token(self): ...\n"
LEAKY = """name: "preprocessing"
backend: "python"
max_batch_size: 8
parameters { key: "tokenizer_dir" value: { string_value: "/home/alice/models/qwen2" } }
parameters { key: "api_key" value: { string_value: "CANARY" } }
parameters { key: "hub" value: { string_value: "https://alice:CANARY@hub.example/x" } }
"""


def folders(at: Path, canary: str = "nothing") -> Named:
    """An engine, a checkpoint with faults, and a repository, with a secret wherever one could lie."""
    engine_folders.engine(at / "engine")
    said = {"tokenizer_class": "ChatGLMTokenizer", "eos_token": "</s>", "hub_token": canary, "auth_token": canary}
    model = folder(at / "model", {**CHATGLM3, "api_key": canary}, tokenizer_config__json=said)
    (model / "tokenization_chatglm.py").write_text(f"{OWN_TOKENIZER}\npassword = '{canary}'\n")
    repository = repository_folders.repository(at / "repository")
    code = f"self.tokenizer.pad_token = self.tokenizer.eos_token  # token={canary}\n"
    repository_folders.model(repository, "preprocessing", LEAKY.replace("CANARY", canary), model__py=code)
    return Named(engine=str(at / "engine"), model=str(model), repository=str(repository), deep=True)


def read(named: Named) -> dict[str, Reading]:
    return take((*probes(named), *deep_probes(named)))


def judge(readings: Mapping[str, Reading]) -> dict[str, Outcome]:
    return {each.id: each for each in judged(subject(readings, RELEASE, Asked()))}


def test_named_folders_are_judged_from_a_bundle_as_on_their_host(tmp_path: Path) -> None:
    readings = read(folders(tmp_path))
    bundle.save(readings, tmp_path / "saved")
    here, there = judge(readings), judge(bundle.load(tmp_path / "saved"))
    assert here == there
    asked = [each for each in here.values() if each.id[0] in "CER" and each.state is not State.SKIP]
    assert len(asked) > 25
    assert {here[name].state for name in ("C001", "C008")} == {State.FAIL}
    assert not [each for each in here.values() if each.crashed]


@pytest.mark.parametrize("damaged", ["engine", "model", "repository"])
def test_a_folder_that_cannot_be_read_is_said_from_a_bundle_too(tmp_path: Path, damaged: str) -> None:
    named = folders(tmp_path)
    for file in (tmp_path / damaged).glob("config.json"):
        file.write_text("{")
    for file in (tmp_path / damaged).glob("*/config.pbtxt"):
        file.write_bytes(b"\xff")
    readings = read(named)
    bundle.save(readings, tmp_path / "saved")
    assert judge(readings) == judge(bundle.load(tmp_path / "saved"))


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_no_secret_of_a_folder_and_no_name_is_saved(tmp_path: Path, canary: str) -> None:
    saved = {name: without_secrets(taken) for name, taken in read(folders(tmp_path / "alice-box", canary)).items()}
    bundle.save(without_names(saved, ("alice-box", "alice")), tmp_path / "saved")
    words = (tmp_path / "saved").read_text()
    assert canary not in words
    assert "alice" not in words
    assert judge(bundle.load(tmp_path / "saved"))["C008"].state is State.FAIL


def test_the_whole_task_saves_no_secret_and_no_name(tmp_path: Path) -> None:
    canary, named = CANARIES["hub token"], folders(tmp_path, CANARIES["hub token"])
    environment: dict[str, Any] = {
        **dict.fromkeys(("HF_TOKEN", "NGC_API_KEY", "HTTP_PROXY_PASSWORD"), canary),
        "HTTPS_PROXY": f"http://alice:{canary}@proxy.example:3128",
        "NO_PROXY": socket.gethostname(),
        "HOME": str(tmp_path / "home" / "alice"),
    }
    (tmp_path / "home" / "alice" / ".docker").mkdir(parents=True)
    login = {"auths": {"nvcr.io": {"auth": "dXNlcjpwYXNz", "identitytoken": canary}}}
    (tmp_path / "home" / "alice" / ".docker" / "config.json").write_text(json.dumps(login))
    options = ("--engine", named.engine, "--model", named.model, "--repository", named.repository)
    file = tmp_path / "saved"
    done = invoke("doctor", *options, "--json", "--save", str(file), workspace=tmp_path / "work", **environment)
    again = invoke("doctor", "--json", "--bundle", str(file), workspace=tmp_path / "work")
    assert done.returncode == again.returncode == 1, done.stderr + again.stderr
    for words in (file.read_text(), done.stdout, done.stderr):
        assert canary not in words
        assert "dXNlcjpwYXNz" not in words
    assert not re.search(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])", file.read_text())
    here, there = ({row["id"]: row["state"] for row in json.loads(each.stdout)["outcomes"]} for each in (done, again))
    assert here == there


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--image", "x:1"), "holds readings of another image than x:1: y:2"),
        (("--source", "."), "holds no readings of ."),
        (("--recipe", "qwen2", "--online"), "holds no readings of the hub"),
    ],
)
def test_what_only_the_other_host_could_look_at_is_not_passed_over(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    bundle.save({"image/reference": Reading(text="y:2")}, tmp_path / "saved")
    done = invoke("doctor", "--bundle", str(tmp_path / "saved"), *options, workspace=tmp_path)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


JUNK = (
    "",
    "null",
    "7",
    "-1e999",
    "[]",
    "{}",
    "true",
    '"x"',
    "[" * 5000,
    '{"a":' * 5000,
    "9" * 5000,
    '{"type": "Engine"}',
    '{"type": "Checkpoint", "shards": 1}',
    '[{"Config": 7, "Size": -1}]',
    '[{"Config": {"Env": [7], "Labels": [], "User": {}}, "Size": "x", "RepoDigests": 5}]',
    '{"devices": [{"name": 7, "memory": {"total": -5}}, null], "driver": {"refused": 7}}',
    '{"Runtimes": 7, "ServerErrors": "x", "ClientInfo": {"Plugins": [7]}, "Server": {"Components": [7]}}',
    '{"Client": 7, "Server": 7}',
    "MemTotal: 99999999999999999999 kB\nMemAvailable: x kB\nSwapTotal: 1 kB",
    "\ufffd\u202e x" * 100,
    "0: FFFFFFFF:FFFF 0A 0A",
)


OTHERS = (
    *("image/reference", "image/inspect", "image/history", "image/lock", "image/probe", "image/libraries"),
    *("image/pip", "image/smoke", "run/log", "hub", "sockets", "docker/servers"),
    *("source/head", "source/pinned", "source/there", "source/changed", "source/pointers"),
)


def test_no_reading_of_an_enemy_breaks_a_check(tmp_path: Path) -> None:
    up, h200 = bundle.load(HOSTS / "docker-up.json"), bundle.load(HOSTS / "h200.json")
    gpus = {name: h200[name] for name in ("nvml", "nvml/fabric", "proc/driver/nvidia/version")}
    readings = {**dict.fromkeys(OTHERS, Reading(text="{}")), **read(folders(tmp_path)), **up, **gpus}
    broken = [(target, Reading(text=junk, reason=junk)) for target in readings for junk in JUNK]
    client = [("docker/info", Reading(status="failed", text=junk, reason=junk)) for junk in JUNK]
    for target, taken in [*broken, *client]:
        found = judge({**readings, target: taken})
        assert not [each.message for each in found.values() if each.crashed], (target, taken.text[:60])


def test_a_bundle_with_nothing_in_it_leaves_everything_open() -> None:
    found = judge({}).values()
    assert not [each for each in found if each.crashed]
    assert State.FAIL not in {each.state for each in found}
    assert {each.id for each in found if each.state is State.WARN} == {"X001", "X002"}  # known of the release itself


def test_a_bundle_of_the_largest_size_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "large"
    text = json.dumps({"schema": "bundle/1", "readings": {f"r{n}": {"text": "x" * 125_000} for n in range(256)}})
    file.write_text(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    judge(bundle.load(file))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10  # KiB
