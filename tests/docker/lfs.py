"""A git-lfs server on loopback: the batch interface and the basic transfer, and what goes wrong with them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ATTRIBUTES = "*.a filter=lfs diff=lfs merge=lfs -text\n"
TYPE = "application/vnd.git-lfs+json"


class Store(ThreadingHTTPServer):
    """Holds `content` by SHA-256; `cut` sends half of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.cut = False
        self.sent: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def pointer(self, content: bytes) -> str:
        """The pointer that stands for this content in a repository; the content is at hand from now on."""
        name = hashlib.sha256(content).hexdigest()
        self.content[name] = content
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(content)}\n"


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["objects"]
        answer = json.dumps({"transfer": "basic", "objects": [self._offer(each) for each in asked]}).encode()
        self._say(answer, TYPE, len(answer))

    def _offer(self, wanted: dict[str, object]) -> dict[str, object]:
        if wanted["oid"] not in self.server.content:
            return {**wanted, "error": {"code": 404, "message": "Object does not exist"}}
        return {**wanted, "actions": {"download": {"href": f"{self.server.url}/{wanted['oid']}"}}}

    def do_GET(self) -> None:
        name = self.path.strip("/")
        content = self.server.content[name]
        self.server.sent.append(name)
        self._say(
            content[: len(content) // 2] if self.server.cut else content, "application/octet-stream", len(content)
        )

    def _say(self, body: bytes, kind: str, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def store() -> Iterator[Store]:
    with Store() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield made
        finally:
            made.shutdown()
