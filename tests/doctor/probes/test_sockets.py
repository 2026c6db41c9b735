"""The kernel's answer to sock_diag is what its own tables say of the sockets that listen."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from doctor.facts.host import parse
from doctor.facts.readings import Reading
from doctor.outcome import known
from doctor.probes import host, sockets
from doctor.probes.taking import take
from tests.waiting import soon


def tables() -> list[str]:
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return sorted(row[1] for row in rows if row[3] == "0A")


def ports() -> Mapping[int, bool]:
    """The ports as the doctor sees them."""
    probe = next(each for each in host.probes({}, 8000) if each.gives == ("sockets",))
    return known(parse(take((probe,))).ports)


def port(opened: socket.socket) -> int:
    number: int = opened.getsockname()[1]
    return number


def test_it_finds_what_the_tables_hold() -> None:
    with ExitStack() as opened:
        narrow = [opened.enter_context(socket.create_server(("127.0.0.1", 0)))]
        with suppress(OSError):  # a machine without IPv6
            narrow.append(opened.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)))
        wide = opened.enter_context(socket.create_server(("0.0.0.0", 0)))  # noqa: S104
        opened.enter_context(socket.create_connection(narrow[0].getsockname()))
        assert soon(lambda: sorted(sockets.listening()) == tables())  # other programs listen and leave off meanwhile
        seen = ports()
        assert [seen[port(each)] for each in (*narrow, wide)] == [*(False for _ in narrow), True]


def test_the_tables_are_read_where_the_kernel_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> list[str]:
        raise OSError(errno.EPROTONOSUPPORT, "no sock_diag here")

    monkeypatch.setattr(host, "listening", refused)
    with socket.create_server(("127.0.0.1", 0)) as four, socket.create_connection(four.getsockname()) as client:
        seen = ports()
        assert seen[port(four)] is False
        assert port(client) not in seen


def test_what_is_no_address_is_passed_over() -> None:
    words = "x\n:\n0100007F:1F40\nGG:1\n0: 00000000:0016 00000000:0000 0A\n0: 0100007F:0017 0100007F:9999 01"
    assert parse({"sockets": Reading(text=words)}).ports == {0x1F40: False, 0x16: True}


def test_every_address_of_the_loopback_is_this_host_only() -> None:
    words = "0101007F:1F40\n0000000000000000FFFF00003500007F:1F41\n00000000000000000000000001000000:1F42\n7F00000A:1F43"
    assert parse({"sockets": Reading(text=words)}).ports == {8000: False, 8001: False, 8002: False, 8003: True}
