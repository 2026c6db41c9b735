"""Answers of the BLS model that nobody wants any more end on the engine: patched templates, the real Triton."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton

from environment.releases import find
from recipes.client import Question, ask
from recipes.front import BLS
from recipes.ports import free_ports, says_yes
from recipes.rehearsal.checkout import TEMPLATES
from recipes.rehearsal.container.context import templates
from tests.recipes.clients.conftest import TRITON, served
from tests.recipes.clients.test_chat import interrupted
from tests.recipes.clients.test_failures import CANCELLED, LONG, TEXT, asking, first
from tests.recipes.clients.words import PAUSE
from tests.recipes.openai.test_gateway import figure
from tests.recipes.rehearsal.conftest import Home, make_home
from tests.waiting import PATIENCE, soon

pytestmark = TRITON
FEW = 1000  # tokens; whole answers have 60000, or 1900 over the endpoint
MANY = {"model": "qwen2", "prompt": "x", "max_tokens": 1900, "min_tokens": 1900}


@pytest.fixture(scope="module", params=["v0.8.0", "v0.10.0"])
def bls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The echo behind a release's BLS model, whose files are patched as a plan patches them."""
    folder = tmp_path_factory.mktemp("bls")
    for name, text in templates(find(request.param)).items():
        (folder / TEMPLATES / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / TEMPLATES / name).write_text(text, encoding="utf-8")
    made = make_home(folder, 23000 + os.getpid() % 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PAUSE, "0.005")  # seconds: who goes has gone, on a busy machine too, before the answer is long
        assert served(made, request.param, folder).model == BLS
    yield made
    made.close()


def counted(home: Home) -> list[int]:
    """How many tokens the engine had made when it ended each answer that nobody wanted any more."""
    log = (home.workspace / "runs" / "qwen2" / "server.log").read_text()
    return [int(tokens) for tokens in re.findall(f"{CANCELLED} after ([0-9]+) tokens", log)]


def ended(home: Home, before: list[int]) -> bool:
    """Whether exactly one more answer was ended, and early."""
    return soon(lambda: len(counted(home)) == len(before) + 1) and counted(home)[-1] < FEW


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ask_that_is_ended_or_killed_ends_its_answer(bls: Home, number: signal.Signals) -> None:
    before = counted(bls)
    with asking(bls, "ask", TEXT, *LONG) as process:
        assert first(process) == "猎豹".encode()
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    assert ended(bls, before)


def test_ctrl_c_in_a_talk_ends_the_answer(bls: Home) -> None:
    before = counted(bls)
    with interrupted(bls):
        assert ended(bls, before)


def test_a_stop_word_in_the_text_ends_the_answer(bls: Home) -> None:
    before = counted(bls)
    with asking(bls, "ask", TEXT, "--stop", "tah", *LONG) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert said.decode().strip() == TEXT.removesuffix("tah")
    assert ended(bls, before)


def test_a_client_without_an_id_that_goes_ends_its_answer(bls: Home) -> None:
    before, came = counted(bls), queue.SimpleQueue[Any]()
    client = triton.InferenceServerClient(bls.run.address)
    client.start_stream(callback=lambda result, error: came.put(result))
    client.async_stream_infer(BLS, list(inputs()))
    assert came.get(timeout=PATIENCE).as_numpy("text_output").size
    client.stop_stream(cancel_requests=True)
    client.close()
    assert ended(bls, before)


def inputs() -> Iterator[triton.InferInput]:
    """A question whose answer is long, as a client of another's making sends it."""
    values = {"text_input": TEXT.encode(), "max_tokens": 60000, "min_length": 60000, "stream": True}
    kinds = {"text_input": ("BYTES", object), "stream": ("BOOL", bool)}
    for name, value in values.items():
        kind, dtype = kinds.get(name, ("INT32", np.int32))
        tensor = triton.InferInput(name, [1, 1], kind)
        tensor.set_data_from_numpy(np.array([[value]], dtype=dtype))
        yield tensor


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("killed", [False, True])
def test_whoever_goes_in_front_of_the_endpoint_or_the_endpoint_itself(bls: Home, stream: bool, killed: bool) -> None:
    port, before = free_ports(1, 21000)[0], counted(bls)
    with asking(bls, "openai", "--port", str(port)) as gateway:
        assert soon(lambda: says_yes(port, "/health"))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", "/v1/completions", json.dumps({**MANY, "stream": stream}))
        assert soon(lambda: figure(port, "trtllm_openai_answering") == 1)
        if stream:
            connection.getresponse().read(64)
        if killed:
            gateway.kill()
        else:
            assert connection.sock is not None
            connection.sock.close()
        connection.close()
        assert ended(bls, before)


def test_what_is_asked_to_its_end_is_answered_whole(bls: Home) -> None:
    before = counted(bls)
    asked = Question(prompt=TEXT, max_tokens=200, model=BLS, accumulates=True)
    assert "".join(ask(bls.run.address, asked)) == TEXT
    assert counted(bls) == before
