"""A registry that misbehaves as it is told, in front of a real one: slow, silent, cut short, lying."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = 1_000_000  # bytes of a blob that is a layer worth breaking
CHUNK = 65_536


class Faulty(ThreadingHTTPServer):
    """Passes requests on to `behind`; `fault` may answer in its place, `layer` decides how a layer's bytes go out."""

    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = behind
        self.fault: Callable[[str], tuple[int, bytes] | None] = lambda _path: None
        self.layer: Callable[[bytes], Iterator[bytes]] = whole
        self.ended = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if answer := self.server.fault(self.path):
            self._say(answer[0], {"Content-Type": "text/html"}, iter([answer[1]]), len(answer[1]))
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=30)
        names = [name for name in self.headers if name.lower() != "host"]
        headers = {name: ", ".join(self.headers.get_all(name, [])) for name in names}  # engines send several Accept
        connection.request(self.command, self.path, headers=headers)
        answer_behind = connection.getresponse()
        length = int(answer_behind.headers.get("Content-Length") or 0)
        body = answer_behind.read()
        pieces = self.server.layer(body) if len(body) > LARGE else whole(body)
        kept = {name: value for name, value in answer_behind.headers.items() if name.lower() != "content-length"}
        self._say(answer_behind.status, kept, pieces, length)
        connection.close()

    do_HEAD = do_GET

    def _say(self, status: int, headers: dict[str, str], pieces: Iterator[bytes], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def log_message(self, *_words: object) -> None:
        pass


def whole(body: bytes) -> Iterator[bytes]:
    yield body


def cut(body: bytes) -> Iterator[bytes]:
    """Half of it, then the end of the connection."""
    yield body[: len(body) // 2]
    raise OSError("cut")


def slow(body: bytes) -> Iterator[bytes]:
    """About 3 MB a second."""
    for start in range(0, len(body), CHUNK):
        yield body[start : start + CHUNK]
        time.sleep(0.02)


@contextmanager
def faulty(behind: int) -> Iterator[Faulty]:
    with Faulty(behind) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()


def silent(server: Faulty) -> Callable[[bytes], Iterator[bytes]]:
    """Half of it, then nothing, until the server ends."""

    def pieces(body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        server.ended.wait(60)

    return pieces
