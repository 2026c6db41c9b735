"""`invoke releases` and `invoke contract` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import invoke
from tests.environment.contracts.extraction.source_tree import write


@pytest.mark.parametrize("width", ["80", "120"])
def test_the_releases_fit_the_terminal(width: str, tmp_path: Path) -> None:
    done = invoke("releases", workspace=tmp_path, COLUMNS=width)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, lines)) <= int(width)
    assert len([line for line in lines if line.startswith("v")]) == 26


def test_the_releases_as_data(tmp_path: Path) -> None:
    every = json.loads(invoke("releases", "--json", workspace=tmp_path).stdout)
    one = json.loads(invoke("releases", "--tag", "0.10.0", "--json", workspace=tmp_path).stdout)
    assert every["schema"] == one["schema"] == "releases/1"
    assert len(every["releases"]) == 26
    assert one["releases"] == [release for release in every["releases"] if release["tag"] == "v0.10.0"]


def test_two_releases_are_compared(tmp_path: Path) -> None:
    done = invoke("releases", "--tag", "v0.9.0", "--compare", "v0.10.0", workspace=tmp_path)
    assert "versions.tensorrt\n  v0.9.0   9.3.0.1\n  v0.10.0  10.0.1.6" in done.stdout
    wrong = invoke("releases", "--tag", "v0.9.0", "--compare", "v0.10.9", workspace=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "did you mean" in wrong.stderr


def test_contracts_are_read_written_and_compared(tmp_path: Path) -> None:
    words = (
        "contract",
        "--source",
        str(write(tmp_path / "tree")),
        "--release",
        "v0.16.0",
        "--output",
        str(tmp_path / "out"),
    )
    written, agreed = invoke(*words, workspace=tmp_path), invoke(*words, "--check", workspace=tmp_path)
    assert (written.returncode, agreed.returncode) == (0, 0), written.stderr + agreed.stderr
    assert written.stdout.startswith("v0.16.0: 4 programs, ")
    assert agreed.stdout == "4 contracts agree with the source\n"
    (tmp_path / "out" / "trtllm-build.json").unlink()
    differing = invoke(*words, "--check", workspace=tmp_path)
    assert (differing.returncode, differing.stdout) == (1, "")
    assert "trtllm-build: no file is shipped for it" in differing.stderr


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    tree = str(write(tmp_path / "tree"))
    done = invoke("contract", "--source", tree, "--release", "v0.16.0", "--output", "/proc/none", workspace=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write /proc/none" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--release", "v0.10.0"), 2, "name one of --source DIR and --image REF"),
        (("--release", "v0.10.0", "--source", "/srv/none"), 1, "/srv/none holds neither TensorRT-LLM nor"),
        (("--release", "v9.9.9", "--source", "/srv/none"), 2, "unknown release 'v9.9.9'"),
        (("--release", "v0.10.0", "--image", "none:1"), 1, "no Docker Engine here"),
    ],
)
def test_a_contract_that_cannot_be_read_is_a_clear_error(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = invoke("contract", *words, workspace=tmp_path, DOCKER_HOST=f"unix://{tmp_path}/no-engine.sock")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
