"""Which engine is asked: the one that Docker's own command line would ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from environment.container import connect
from environment.docker_errors import DockerTrouble


@pytest.mark.parametrize(
    ("host", "identity"),
    [
        ("http://127.0.0.1:99999", "docker-host"),
        ("rubbish", "docker-host"),
        ("unix:///nowhere/docker.sock", "daemon-absent"),
    ],
)
def test_an_address_that_names_no_engine_is_told(host: str, identity: str) -> None:
    with pytest.raises(DockerTrouble) as caught:
        connect(host)
    assert caught.value.id == identity
    assert caught.value.mend


def test_a_context_that_is_not_there_is_not_another_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("config.json").write_text(json.dumps({"currentContext": "nowhere"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    with pytest.raises(DockerTrouble) as caught:
        connect()
    assert caught.value.id == "docker-context"
