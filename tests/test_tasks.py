"""The tasks as a person meets them: words, exit codes, nothing on the wrong stream, never a traceback."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from doctor.preflight import DEADLINE
from tests.command_line import invoke

LONG = "x" * 5000


def test_help_may_stand_behind_the_task(tmp_path: Path) -> None:
    behind = ("serve", "--help"), ("ask", "-h"), ("doctor", "-h"), ("serve", "qwen2", "--help"), ("stop", "--help")
    for words in behind:
        told = invoke("--help", words[0], workspace=tmp_path).stdout
        assert told.startswith("Usage: ")
        assert invoke(*words, workspace=tmp_path).stdout == told


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("srve",), 2, "did you mean 'serve'?"),
        (("serve",), 2, "mend   invoke --help serve"),
        (("serve", "qwen2", "--tpp", "4"), 2, "did you mean '--tp'?"),
        (("serve", "qwen2", "--tp", "four"), 2, "--tp needs a whole number, not 'four'"),
        (("serve", "qwen2", "--tp=four"), 2, "--tp needs a whole number, not 'four'"),
        (("serve", "qwn2", "--dry"), 2, "unknown recipe 'qwn2'\n  why    did you mean 'qwen2'?"),
        (("serve", "qwen2", "--tag", "v0.10", "--dry"), 2, "did you mean 'v0.10.0'?"),
        (("serve", "qwen2", "--tag", "v0.9.0", "--dry"), 1, "first in v0.10.0, because"),
        (("serve", "qwen2", "--tp", "0", "--dry"), 2, "--tp 0 is less than 1"),
        (("serve", "qwen2", "--max-input-len", "0", "--dry"), 2, "--max-input-len 0 is less than 1"),
        (("serve", "qwen2", "--tp", "3", "--dry"), 2, "use --tp 1 or 2 or 4"),
        (("serve", "qwen2", "--detach", "--follow"), 2, "--detach leaves the server, --follow stays with its log"),
        (("serve", "qwen2", "--rehearse", "--dry"), 2, "a rehearsal has no plan to print"),
        (("serve", "qwen2", "--rehearse", "--max-tokens", "-5"), 2, "--max-tokens -5 is not 1 or more"),
        (("serve", "../../etc/passwd", "--dry"), 2, "unknown recipe '../../etc/passwd'"),
        (("releases", "--tag", "v9.9.9"), 2, "unknown release 'v9.9.9'"),
        (("releases", "--tag", "main"), 2, "unknown release 'main'"),
        (("build", "qwen2", "--tp", "-1", "--dry"), 2, "--tp -1 is less than 1"),
        (("build", "qwen2", "--max-batch-size=-1", "--dry"), 2, "--max-batch-size -1 is less than 1"),
        (("build", "qwen2", "--feature", "tokens-per-block=0", "--dry"), 2, "takes a whole number above 0, not '0'"),
        (("build", "qwen2", "--feature", "fmmha", "--dry"), 2, "did you mean 'fmha'?   known: "),
        (("build", "qwen2", "--dtype", "float8", "--dry"), 2, "unknown data type 'float8'"),
        (("build", "qwen2", "--model", "Qwen/Qwen1.5-7B-Chat", "--dry"), 2, "./inv fetch Qwen/Qwen1.5-7B-Chat"),
        (("build", "qwen2", "--model-dir", LONG, "--dry"), 1, "File name too long"),
        (("build", "qwen-vl", "--tag", "v0.7.0", "--dry"), 1, "mend   use --tag v0.8.0"),
        (("serve", "qwen2", "--env-file", "nowhere.env"), 2, "--env-file nowhere.env is no file"),
        (("doctor", "--engine", LONG), 1, "File name too long"),
        (("doctor", "--http-port", "99999"), 2, "port 99999 (http) is not between 1 and 65535"),
        (("doctor", "--grpc-port", "8000"), 2, "need three different ports"),
        (("doctor", "--model", "tasks.py"), 2, "mend   give the folder itself"),
        (("doctor", "--bundle", "nowhere.json"), 2, "mend   ls -ld . "),
        (
            ("doctor", "--log", "nowhere.log", "--lang", "zh"),
            2,
            "--lang beside --log would be ignored\n  why    a log is",
        ),
        (("doctor", "--log", "nowhere.log", "--html", "x"), 2, "--html beside --log"),
        (("doctor", "--log", "nowhere.log", "--save", "x"), 2, "--save beside --log"),
        (("doctor", "--log", "nowhere.log", "--bundle", "x", "--json"), 2, "--bundle beside --log"),
        (("doctor", "--recipe", "nosuch", "--http-port", "1", "--log", "x"), 2, "--recipe and --http-port beside"),
        (("doctor", "--log", "tasks.py", "--log", "nowhere.log"), 2, "No such file or directory\n  where  nowhere.log"),
        (("doctor", "--log", "tests"), 2, "cannot read the log: Is a directory"),
        (("doctor", "--log", ""), 2, "--log names no file"),
        (("doctor", "--log=", "--json"), 2, "--log names no file"),
        (("doctor", "--log"), 2, "--log needs a value: name the cause of a failure from its log"),
        (("doctor", "--log", "--json"), 2, "--log needs a value"),
        (("ask", "hi", "--stop", "--json"), 2, "--stop needs a value: a word that ends the answer"),
        (("fetch", "Qwen/x", "--into", "x", "--kind", "modle"), 2, "did you mean 'model'?"),
        (("contract", "--release", "v0.10.0", "--source", LONG), 1, "File name too long"),
        (("run", "qwen2", "--max-tokens", "-1", "--dry"), 2, "--max-tokens -1 is less than 1"),
        (("bench", "qwen2", "--input-mean", "-3", "--dry"), 2, "--input-mean -3 is less than 1"),
        (("bench", "qwen2", "--output-mean", "-3", "--dry"), 2, "--output-mean -3 is less than 1"),
        (("serve", "qwen2", "--in-container", "--dry"), 2, "--in-container is said of a rehearsal"),
        (("serve", "qwen2", "--templates", "x", "--dry"), 2, "--templates is said of a rehearsal"),
        (
            ("serve", "qwen2", "--rehearse", "--expose"),
            2,
            "--expose is said of a container, and this rehearsal has none",
        ),
        (("serve", "qwen2", "--rehearse", "--restart", "no"), 2, "--restart is said of a container"),
        (("serve", "qwen2", "--rehearse", "--env-file", "x"), 2, "--env-file is said of a container"),
        (("serve", "qwen2", "--rehearse", "--locked"), 2, "--locked is said of what serves on GPUs"),
        (("serve", "qwen2", "--rehearse", "--in-container", "--templates", "x"), 2, "mend   say one of them"),
        (("serve", "qwen2", "--max-tokens", "0", "--dry"), 2, "--max-tokens 0 is not 1 or more"),
        (("ask", "hi", "--temperature", "hot"), 2, "--temperature needs a number, not 'hot'"),
        (("serve", "qwen2", "--openai-port", "70000", "--dry"), 2, "port 70000 (openai) is not between 1 and 65535"),
        (("openai", "--port", "0"), 2, "port 0 (openai) is not between 1 and 65535"),
        (("openai", "--at-once", "0"), 2, "--at-once 0, --waiting 256: nothing would be answered"),
        (("openai", "--seconds", "-1"), 2, "--seconds -1, --at-once 64"),
        (("ask", "hi", "--top-p", "7"), 2, "--top-p 7 is not between 0 and 1"),
        (("ask", "hi", "--top-k", "-1"), 2, "--top-k -1 is not 0 or more"),
        (("ask", "hi", "--temperature", "-0.5"), 2, "--temperature -0.5 is not 0 or more"),
        (("ask", "hi", "--max-tokens", "0"), 2, "--max-tokens 0 is not 1 or more"),
        (("ask", "hi", "--model", "tensorrt_llm_bls"), 2, "--model without --url would be ignored"),
        (("ask", "hi", "--url", "127.0.0.1:9", "--name", "x"), 2, "--name x is a recorded server"),
        (("quality", "--model-dir", "x", "--accumulates"), 2, "--accumulates and --model-dir without --url"),
        (("chat", "--seed", "-1"), 2, "--seed -1 is not 0 or more"),
        (("logs", "--lines", "-1"), 2, "--lines -1 is less than 0"),
        (("benchmark", "--only", "diagnosys"), 2, "did you mean 'diagnosis'?"),
    ],
)
def test_bad_words_get_a_clear_error(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    done = invoke(*words, workspace=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [("--path", "nowhere"), ("--path", "tests/benchmarks"), ("--path", "tests/test_told.py", "--only", "not (docker")],
)
def test_tests_that_are_not_there_are_a_matter_of_the_words(words: tuple[str, ...], tmp_path: Path) -> None:
    assert invoke("test", *words, workspace=tmp_path).returncode == 2


def test_dry_before_and_after_the_task_mean_the_same_and_touch_nothing(tmp_path: Path) -> None:
    workspace = tmp_path / "not made"
    after = invoke("serve", "qwen2", "--tp", "4", "--dry", workspace=Path("/srv/none"))
    before = invoke("--dry", "serve", "qwen2", "--tp", "4", workspace=Path("/srv/none"))
    assert (after.returncode, after.stderr, before.stdout) == (0, "", after.stdout)
    assert after.stdout.startswith("#!/bin/sh\n# Serve Qwen2")
    assert not workspace.exists()


def test_the_plan_as_data(tmp_path: Path) -> None:
    done = invoke("serve", "qwen2", "--tp", "4", "--dry", "--json", workspace=Path("/srv/none"))
    plan = json.loads(done.stdout)
    assert (plan["schema"], plan["release"], plan["recipe"]) == ("plan/1", "v0.10.0", "qwen2")
    assert {"title", "where", "tool", "argv", "env", "output"} == set(plan["steps"][0])
    assert {step["where"] for step in plan["steps"]} == {"host", "container"}
    assert plan["templates"]["tensorrt_llm"]["triton_backend"] == "tensorrtllm"


def test_a_host_that_cannot_says_so_soon_and_before_any_download(tmp_path: Path) -> None:
    """Whatever this host has, the Docker engine named here is not there. Soon: once in three, on a busy machine."""
    assert any(refused_soon(tmp_path) for _ in range(3))


def refused_soon(folder: Path) -> bool:
    """Whether the refusal takes no more than the preflight may, beside what Invoke itself takes on this machine now."""
    started = time.monotonic()
    invoke("--list", workspace=folder / "w")
    bare, started = time.monotonic() - started, time.monotonic()
    done = invoke("serve", "qwen2", "--tp", "4", workspace=folder / "w", DOCKER_HOST=f"unix://{folder}/no-engine.sock")
    took = time.monotonic() - started
    assert done.returncode == 1
    assert "D001" in done.stderr
    assert "invoke serve qwen2 --rehearse" in done.stderr
    assert not (folder / "w").exists()
    return took < DEADLINE + 5 * bare


def test_a_checkpoint_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    done = invoke("serve", "qwen2", "--tp", "4", "--model-dir", str(tmp_path / "none"), workspace=tmp_path / "w")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no model directory {tmp_path}/none" in done.stderr
    assert not (tmp_path / "w").exists()


def test_recipes_are_listed(tmp_path: Path) -> None:
    assert "qwen2" in invoke("recipes", workspace=tmp_path).stdout
    listed = json.loads(invoke("recipes", "--json", workspace=tmp_path).stdout)
    assert (listed["schema"], listed["recipes"][0].keys() >= {"recipe", "since", "revision"}) == ("recipes/1", True)
