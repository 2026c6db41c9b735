"""The ports of a server on this host: who holds one already, which are free, and whether one answers."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping

from environment.errors import Trouble
from recipes.processes import listener

HOST = "127.0.0.1"
STRANGER = "a process this user may not see"


def refuse_taken(ports: Mapping[str, int]) -> None:
    """Raises Trouble when a port (`http`, `grpc`, `metrics`) cannot be listened on: who holds it, what is free."""
    taken = {name: port for name, port in ports.items() if not free(port)}
    if not taken:
        return
    held = ", ".join(f"{port} ({name}) by {listener(port) or STRANGER}" for name, port in taken.items())
    offered = free_ports(len(ports), max(ports.values()) + 1)
    flags = " ".join(f"--{name}-port {port}" for name, port in zip(ports, offered, strict=True))
    raise Trouble(f"ports in use: {held}", where=HOST, mend=f"stop that, or choose free ones: {flags}")


def says_yes(port: int, path: str, within: float = 1.0) -> bool:
    """Whether a server of this host answers GET `path` with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=within)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int, start: int) -> tuple[int, ...]:
    """`count` free ports, the lowest from `start` on."""
    found = (port for port in range(start, 65536) if free(port))
    return tuple(port for port, _ in zip(found, range(count), strict=False))
