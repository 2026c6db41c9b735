"""Containers on an engine that went away after it had been found."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.container import Client, Engine
from environment.containers import output
from environment.docker_errors import DockerTrouble


def test_an_engine_that_is_gone_when_a_stream_begins_is_a_trouble(tmp_path: Path) -> None:
    """A stream has a connection of its own, made after the one that the engine was found with."""
    host = f"unix://{tmp_path}/gone.sock"
    engine = Engine(Client(base_url=host, version="1.41"), host)
    with pytest.raises(DockerTrouble) as log:
        list(output(engine, "qwen2"))
    with pytest.raises(DockerTrouble) as pull:
        engine.pull("busybox:latest", lambda layers: None)
    assert log.value.id == pull.value.id == "daemon-absent"
