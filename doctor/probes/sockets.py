"""The TCP sockets that listen, asked of the kernel by sock_diag(7): /proc/net/tcp walks a table that grows with the
memory of the host, some 10 ms for 24 GB, where this walks the listening ones alone.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST_AND_DUMP = 4, 20, 0x301  # linux/netlink.h, linux/sock_diag.h
ERROR, DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
LISTEN = 10  # TCP_LISTEN, linux/net/tcp_states.h
REQUEST = struct.Struct("=IHHII BBBBI48x")  # nlmsghdr, inet_diag_req_v2
HEADER, ANSWER = struct.Struct("=IHHII"), struct.Struct("=4x2s2x16s")  # nlmsghdr; the start of inet_diag_msg


def listening() -> list[str]:
    """A line for each socket, as /proc/net/tcp writes its address: `0100007F:1F40`. Raises OSError when refused."""
    return [line for family in (socket.AF_INET, socket.AF_INET6) for line in _of(family)]


def _of(family: int) -> Iterator[str]:
    header = (REQUEST.size, SOCK_DIAG_BY_FAMILY, REQUEST_AND_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(REQUEST.pack(*header, family, socket.IPPROTO_TCP, 0, 0, 1 << LISTEN))
        while True:
            for kind, body in _messages(kernel.recv(1 << 16)):
                if kind == DONE:
                    return
                if kind == ERROR:
                    raise OSError(-int.from_bytes(body[:4], "little", signed=True), "the kernel refuses sock_diag")
                port, address = ANSWER.unpack_from(body)
                yield f"{_hex(address[: 4 if family == socket.AF_INET else 16])}:{port.hex().upper()}"


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind, *_ = HEADER.unpack_from(data)
        yield kind, data[HEADER.size : length]
        data = data[-(-length // 4) * 4 :]


def _hex(address: bytes) -> str:
    """As /proc/net/tcp: words of 32 bits in the host's order."""
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(address) // 4}I", address))
