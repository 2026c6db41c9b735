"""The endpoint's limits and its key, before an engine that takes its time: one answer at once, nobody in line."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from recipes.ports import free_ports, says_yes
from tests.recipes.clients.conftest import TRITON, served
from tests.recipes.clients.test_failures import asking, cancelled
from tests.recipes.clients.words import PAUSE
from tests.recipes.rehearsal.conftest import Home, make_home
from tests.waiting import PATIENCE, soon

pytestmark = TRITON
KEY = "s3cret-canary"
LONG: Any = {"max_tokens": 1900, "min_tokens": 1900}  # 38 s of this engine
SECONDS = 8


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = make_home(tmp_path_factory.mktemp("slow"), 19500 + os.getpid() % 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PAUSE, "0.02")
        served(made)
    yield made
    made.close()


def test_the_key_the_line_the_time_and_the_end(slow: Home, tmp_path: Path) -> None:
    secret, port = tmp_path / "key", free_ports(1, 21000)[0]
    secret.write_text(f"{KEY}\n")
    words = ("--port", str(port), "--key-file", str(secret), "--at-once", "1", "--waiting", "0")
    with asking(slow, "openai", *words, "--seconds", str(SECONDS)) as gateway:
        assert soon(lambda: says_yes(port, "/health"))
        assert says_yes(port, "/metrics", PATIENCE)
        assert status(port, {}) == status(port, {"authorization": "Bearer wrong"}) == 401
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="wrong", max_retries=0) as wrong:
            with pytest.raises(openai.AuthenticationError):
                wrong.models.list()
            right, before = wrong.with_options(api_key=KEY), cancelled(slow)
            stream = iter(right.completions.create(model="qwen2", prompt="x", stream=True, extra_body=LONG))
            next(stream)
            with pytest.raises(openai.RateLimitError) as refused:
                right.completions.create(model="qwen2", prompt="x")
            assert refused.value.response.headers["retry-after"] == "1"
            with pytest.raises(openai.APIError, match=f"not finished within {SECONDS} s"):
                list(stream)
            assert soon(lambda: cancelled(slow) == before + 1)
            assert right.completions.create(model="qwen2", prompt="x").choices[0].text == "x"
        gateway.send_signal(signal.SIGINT)
        shown = b"".join(gateway.communicate(timeout=PATIENCE))
        assert gateway.returncode == 0
    assert shown.strip() == f"OpenAI endpoint   http://127.0.0.1:{port}/v1  (model qwen2, API key required)".encode()
    assert KEY.encode() not in shown


def status(port: int, headers: dict[str, str]) -> int:
    """The status of a chat without a right key, whose error has OpenAI's shape."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/v1/chat/completions", b"{}", headers)
    answer = connection.getresponse()
    assert json.loads(answer.read())["error"]["code"] == "invalid_api_key"
    connection.close()
    return answer.status
