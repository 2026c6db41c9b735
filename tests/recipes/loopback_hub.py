"""A hub on the loopback address that can misbehave: it stalls, cuts, corrupts, and lies about sizes. It serves what the
clients of Hugging Face and ModelScope ask for, and refuses everything else."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REPOSITORY, REVISION = "me/model", "0" * 40


@dataclass
class Files:
    """What the hub holds, and how it misbehaves. `faults` are used up one request at a time, by path."""

    content: dict[str, bytes]
    repository: str = REPOSITORY
    revision: str = REVISION
    faults: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)

    def tree(self) -> list[dict[str, object]]:
        return [self.entry(path, data) for path, data in self.content.items()]

    def scope(self) -> list[dict[str, object]]:
        return [
            {"Path": path, "Size": len(data), "Type": "blob", "Sha256": hashlib.sha256(data).hexdigest()}
            for path, data in self.content.items()
        ]

    def entry(self, path: str, data: bytes) -> dict[str, object]:
        size = self.sizes.get(path, len(data))
        entry: dict[str, object] = {"type": "file", "path": path, "size": size}
        if path.endswith(".safetensors"):
            sum_ = hashlib.sha256(data).hexdigest()
            return {**entry, "oid": "1" * 40, "lfs": {"oid": sum_, "size": size, "pointerSize": 134}}
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
        return {**entry, "oid": blob.hexdigest()}


class Handler(BaseHTTPRequestHandler):
    """Answers what the clients ask for."""

    protocol_version = "HTTP/1.1"
    files: Files

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        repository, revision = self.files.repository, self.files.revision
        self.files.asked.append((url.path, self.headers.get("Range", "")))
        if self.files.status != 200:
            self.answer(self.files.status, b"{}")
        elif url.path.startswith(f"/api/models/{repository}/tree/{revision}"):
            self.answer(200, json.dumps(self.files.tree()).encode())
        elif url.path == f"/api/v1/models/{repository}/repo/files":
            self.answer(200, json.dumps({"Code": 200, "Data": {"Files": self.files.scope()}}).encode())
        elif url.path == f"/api/v1/models/{repository}/repo":
            self.file(parse_qs(url.query)["FilePath"][0])
        elif url.path.startswith(f"/{repository}/resolve/{revision}/"):
            self.file(url.path.partition(f"{revision}/")[2])
        else:
            self.answer(404, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, path: str) -> None:
        data, fault = self.files.content[path], (self.files.faults.get(path) or [""]).pop(0)
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.files.ranges else 0
        body = bytes(byte ^ 1 for byte in data[start:]) if fault == "corrupt" else data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if fault not in {"cut", "stall"} else body[: len(body) // 2])
        self.wfile.flush()
        if fault == "stall":
            self.connection.recv(1)  # until the client has enough of it
        self.close_connection = fault in {"cut", "stall"}


@contextmanager
def hub(files: Files) -> Iterator[str]:
    """The endpoint of a hub with these files."""
    handler = type("OfTheseFiles", (Handler,), {"files": files})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:  # a test that ends with an error must not leave a thread that spins on a closed socket
            server.shutdown()
            thread.join()
