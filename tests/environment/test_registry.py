"""Reading a registry that answers as it is told: logins, tokens, redirects, lies."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from environment.docker_errors import DockerTrouble
from environment.registry import is_loopback, look

CONFIG = json.dumps({"architecture": "amd64", "config": {"Env": ["A=b=c"], "Labels": {"x": "y"}}}).encode()
BASIC = "Basic " + base64.b64encode(b"$oauthtoken:key").decode()


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


MANIFEST = json.dumps({"config": {"digest": digest(CONFIG)}, "layers": [{"size": 5}, {"size": 7}]}).encode()
INDEX = json.dumps(
    {"manifests": [{"digest": digest(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}}]}
).encode()


class Server(ThreadingHTTPServer):
    """Answers by path: (status, headers, body); remembers what logins it was shown."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.wants = ""
        self.challenge = ""
        self.seen: list[tuple[str, str]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def has(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        self.answers[path] = (status, headers, body)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "")
        self.server.seen.append((self.path, login))
        status, headers, body = self.server.answers.get(self.path.partition("?")[0], (404, {}, b"{}"))
        if self.server.wants and login != self.server.wants and self.path.startswith("/v2/"):
            status, headers, body = 401, {"WWW-Authenticate": self.server.challenge}, b"{}"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        server.has("/v2/a/b/manifests/1", MANIFEST)
        server.has(f"/v2/a/b/manifests/{digest(MANIFEST)}", MANIFEST)
        server.has(f"/v2/a/b/blobs/{digest(CONFIG)}", CONFIG)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def fails(server: Server, login: Any = None) -> DockerTrouble:
    with pytest.raises(DockerTrouble) as caught:
        look(f"{server.host}/a/b:1", login)
    return caught.value


def test_manifest_and_configuration_become_one_value(server: Server) -> None:
    published = look(f"{server.host}/a/b:1", None)
    assert (published.digest, published.size, published.architecture) == (digest(MANIFEST), 12, "amd64")
    assert (published.env, published.labels) == ({"A": "b=c"}, {"x": "y"})


def test_an_index_leads_to_this_architecture(server: Server) -> None:
    server.has("/v2/a/b/manifests/1", INDEX)
    assert look(f"{server.host}/a/b:1", None).digest == digest(INDEX)
    with pytest.raises(DockerTrouble) as caught:
        look(f"{server.host}/a/b:1", None, "arm64")
    assert caught.value.id == "arch"


def test_basic_login_only_when_asked_for(server: Server) -> None:
    server.wants, server.challenge = BASIC, 'Basic realm="x"'
    look(f"{server.host}/a/b:1", ("$oauthtoken", "key"))
    assert server.seen[0] == ("/v2/a/b/manifests/1", "")
    assert server.seen[1] == ("/v2/a/b/manifests/1", BASIC)


def test_a_token_service_that_says_something_else_is_no_bug(server: Server) -> None:
    server.wants, server.challenge = "Bearer t0", f'Bearer realm="http://{server.host}/token"'
    for body in (b"[]", b"5", b"<html>", b""):
        server.has("/token", body)
        with pytest.raises(DockerTrouble):
            look(f"{server.host}/a/b:1", None)


def test_a_token_is_fetched_with_the_login(server: Server) -> None:
    server.wants = "Bearer t0"
    server.challenge = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:a/b:pull"'
    server.has("/token", b'{"token": "t0"}')
    assert look(f"{server.host}/a/b:1", ("$oauthtoken", "key")).size == 12
    asked = next(path for path, login in server.seen if login == BASIC)
    assert asked == "/token?service=s&scope=repository%3Aa%2Fb%3Apull"


def test_a_login_is_not_sent_to_a_realm_without_https(server: Server) -> None:
    server.wants, server.challenge = "Bearer t0", 'Bearer realm="http://elsewhere.example/token"'
    trouble = fails(server, ("$oauthtoken", "key"))
    assert "not https: refused" in trouble.what
    assert "key" not in str(trouble)


def test_a_login_is_not_sent_on_to_another_host(server: Server) -> None:
    server.wants, server.challenge = BASIC, 'Basic realm="x"'
    with serving() as store:
        store.has("/blob", CONFIG)
        location = f"http://localhost:{store.server_port}/blob"
        server.has(f"/v2/a/b/blobs/{digest(CONFIG)}", b"", 307, Location=location)
        assert look(f"{server.host}/a/b:1", ("$oauthtoken", "key")).size == 12
        assert store.seen == [("/blob", "")]


@pytest.mark.parametrize(
    ("status", "body", "id"),
    [
        (401, b"{}", "auth"),
        (403, b"{}", "auth"),
        (404, b"{}", "tag-unknown"),
        (429, b"{}", "rate"),
        (503, b"{}", "registry-broken"),
        (200, b"<html>", "proxy-html"),
        (200, b"[]", ""),
        (200, b'"x"', ""),
        (200, b"\xff\xfe{", "proxy-html"),
        (200, b" " * 9_000_000, ""),
    ],
)
def test_bad_answers(server: Server, status: int, body: bytes, id: str) -> None:  # noqa: A002
    server.has("/v2/a/b/manifests/1", body, status)
    assert fails(server).id == id


@pytest.mark.parametrize(
    "manifest",
    [{}, {"config": {}}, {"config": {"digest": digest(CONFIG)}}, {"config": 1, "layers": []}, {"manifests": 3}],
)
def test_a_manifest_without_what_it_must_have(server: Server, manifest: dict[str, object]) -> None:
    server.has("/v2/a/b/manifests/1", json.dumps(manifest).encode())
    assert "is no manifest" in fails(server).what


def test_a_configuration_with_another_digest_is_refused(server: Server) -> None:
    server.has(f"/v2/a/b/blobs/{digest(CONFIG)}", CONFIG + b" ")
    assert fails(server).id == "corrupt"


def test_nothing_listens() -> None:
    with pytest.raises(DockerTrouble) as caught:
        look("127.0.0.1:9/a/b:1", None)
    assert caught.value.id == "refused"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1:5000", True),
        ("localhost:1", True),
        ("[::1]:5", True),
        ("nvcr.io", False),
        ("127.0.0.1.evil.io", False),
    ],
)
def test_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here
