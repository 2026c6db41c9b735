"""A hub on the loopback address that answers with every status, and none; the token is shown to it and kept nowhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from doctor.facts.hub import Hub, parse
from doctor.probes.hub import probes
from doctor.probes.taking import take
from environment.unknown import Unknown

CANARY = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz123456"
ASKED = ("Qwen/Qwen2 7B", "c" * 40)


@contextmanager
def hub(status: int, asked: list[tuple[str, str]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append((self.path, self.headers.get("Authorization", "")))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mirror"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is logged in."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 503])
def test_the_hubs_answer_is_kept(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    with hub(status, asked) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        found = parse(take(probes(*ASKED)))
    assert found == Hub(repository="Qwen/Qwen2 7B", host="127.0.0.1", status=status, token=False)
    assert asked == [(f"/mirror/Qwen/Qwen2%207B/resolve/{'c' * 40}/config.json", "")]


@pytest.mark.parametrize("place", ["variable", "file"])
def test_a_token_is_shown_to_the_hub_and_kept_nowhere(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    if place == "variable":
        monkeypatch.setenv("HF_TOKEN", CANARY)
    else:
        (tmp_path / "token").write_text(f"{CANARY}\n")
    with hub(403, asked) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        readings = take(probes(*ASKED))
    assert [authorization for _, authorization in asked] == [f"Bearer {CANARY}"]
    found = parse(readings)
    assert isinstance(found, Hub)
    assert found.token
    assert CANARY not in str(readings)


def test_a_hub_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    found = parse(take(probes(*ASKED)))
    assert isinstance(found, Unknown)
    assert "127.0.0.1 does not answer" in found.reason


@pytest.mark.parametrize("said", ["ftp://127.0.0.1", "127.0.0.1:1/x", "http://", "http://127.0.0.1:99999"])
def test_an_endpoint_that_is_none_is_said_to_be_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", said)
    found = parse(take(probes(*ASKED)))
    assert isinstance(found, Unknown)
    assert said in found.reason or "99999" in said
