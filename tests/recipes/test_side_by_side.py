from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from pathlib import Path

import pytest
from msgspec.structs import replace

from environment.errors import Usage
from recipes import processes, runs
from recipes.ports import free_ports
from recipes.runs import Run
from recipes.side_by_side import USUAL, ports_for


def run(name: str, *ports: int) -> Run:
    http, grpc, metrics = ports
    return Run(
        name=name,
        recipe="qwen2",
        release="v0.10.0",
        rehearsal=True,
        process=1,
        started=1.0,
        http=http,
        grpc=grpc,
        metrics=metrics,
        model="ensemble",
        tokenizer="/t",
    )


@contextmanager
def listened(*ports: int) -> Iterator[None]:
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> tuple[int, ...]:
    """Usual ports that are free on this machine, one after the other, and three more behind them."""
    start = next(port for port in range(23000, 60000) if free_ports(6, port) == tuple(range(port, port + 6)))
    for kind, port in zip(USUAL, range(start, start + 3), strict=True):
        monkeypatch.setitem(USUAL, kind, port)
    return tuple(range(start, start + 6))


def test_a_server_takes_the_usual_ports_and_one_beside_it_the_next(usual: tuple[int, ...], tmp_path: Path) -> None:
    assert astuple(ports_for("a", {}, tmp_path)) == usual[:3]
    runs.write(tmp_path, run("a", *usual[:3]))
    with listened(*usual[:3]):
        assert astuple(ports_for("a", {}, tmp_path)) == usual[:3]
        assert astuple(ports_for("b", {}, tmp_path)) == usual[3:]
    assert astuple(ports_for("b", {}, tmp_path)) == usual[:3]  # nobody listens there any more


def test_a_server_that_is_still_starting_has_its_ports(usual: tuple[int, ...], tmp_path: Path) -> None:
    """Two servers that were started one after the other took the same ones."""
    own = os.getpid()
    runs.write(tmp_path, replace(run("a", *usual[:3]), process=own, born=processes.birth(own)))
    assert astuple(ports_for("b", {}, tmp_path)) == usual[3:]


def test_what_is_said_is_taken_and_gone_around(usual: tuple[int, ...], tmp_path: Path) -> None:
    assert astuple(ports_for("a", {"grpc": usual[0]}, tmp_path)) == (usual[1], usual[0], usual[2])
    with pytest.raises(Usage, match="three different ports"):
        ports_for("a", {"http": usual[0], "grpc": usual[0]}, tmp_path)


def test_a_server_that_runs_elsewhere_is_found_where_it_runs(usual: tuple[int, ...], tmp_path: Path) -> None:
    runs.write(tmp_path, run("a", *usual[3:]))
    with listened(*usual[3:]):
        assert astuple(ports_for("a", {}, tmp_path)) == usual[3:]


def test_a_strangers_port_is_not_gone_around(usual: tuple[int, ...], tmp_path: Path) -> None:
    with listened(*usual[:3]):
        assert astuple(ports_for("a", {}, tmp_path)) == usual[:3]
