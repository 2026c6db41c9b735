"""The endpoint before the real Triton, asked by the real `openai` client."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from recipes import processes
from recipes.openai import process
from recipes.ports import free_ports
from tests.recipes.rehearsal.conftest import Home, make_home
from tests.waiting import PATIENCE, soon

pytestmark = pytest.mark.triton
CHEETAH = "陆地上最快的动物是猎豹🐆,时速可达120公里。"
LONG = {"max_tokens": 1900, "min_tokens": 1900}
COUNT = "one, two, three, four, five, six, seven, eight, nine, ten"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = make_home(tmp_path_factory.mktemp("home"), 18000 + os.getpid() % 1000)
    made.serve("--openai", "--openai-port", str(free_ports(1, 20000)[0]))
    yield made
    made.invoke("stop")


@pytest.fixture(scope="module")
def port(home: Home) -> int:
    found = process.endpoint(home.workspace / "runs", "qwen2")
    assert found is not None
    return found.port


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=PATIENCE) as made:
        yield made


def said(question: str) -> Any:
    return [{"role": "user", "content": question}]


def post(port: int, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return answer.status, found


def figure(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_the_one_model_is_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["qwen2"]
    assert client.models.retrieve("qwen2").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_a_chat_is_answered_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="qwen2", messages=said("陆地上最快的动物是什么?"))
    assert answer.choices[0].message.content == CHEETAH
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 10
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_chat_streams_in_whole_characters(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="qwen2",
        messages=said("陆地上最快的动物是什么?"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == CHEETAH
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)
    assert len(pieces) > 5
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_a_completion_goes_on_with_the_text_as_it_is(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="qwen2", prompt="x", max_tokens=9)
    pieces = [
        chunk.choices[0].text
        for chunk in client.completions.create(model="qwen2", prompt="x", max_tokens=9, stream=True)
    ]
    assert answer.choices[0].text == "".join(pieces)
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("most", [1, 2, 3])
def test_an_answer_that_is_cut_says_so_even_within_a_character(client: openai.OpenAI, most: int) -> None:
    answer = client.chat.completions.create(model="qwen2", messages=said("陆地上最快的动物是什么?"), max_tokens=most)
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", most)


def test_a_conversation_takes_its_own_answers_back(client: openai.OpenAI) -> None:
    messages = said("陆地上最快的动物是什么?")
    messages.append(client.chat.completions.create(model="qwen2", messages=messages).choices[0].message)
    assert client.chat.completions.create(model="qwen2", messages=[*messages, messages[0]])


@pytest.mark.parametrize("stream", [False, True])
def test_stop_words_are_left_out_and_end_the_request(client: openai.OpenAI, stream: bool) -> None:
    fields: Any = {"model": "qwen2", "messages": said("Count to ten."), "stop": [", four", "nine"], "stream": stream}
    answer: Any = client.chat.completions.create(**fields)
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        text = answer.choices[0].message.content
    assert text == "one, two, three"


def test_sampling_is_passed_on(client: openai.OpenAI) -> None:
    def sample(seed: int, temperature: float) -> str:
        fields: Any = {"model": "qwen2", "messages": said("Who are you?"), "max_tokens": 12}
        answer: Any = client.chat.completions.create(seed=seed, temperature=temperature, **fields)
        return str(answer.choices[0].message.content)

    greedy = sample(1, 0.0)
    assert sample(2, 0.0) == greedy
    assert len({sample(seed, 2.0) for seed in range(8)}) > 1


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        ({"model": "gpt-4"}, openai.NotFoundError, "model_not_found"),
        ({"n": 2}, openai.BadRequestError, "unsupported_parameter"),
        ({"max_tokens": 100_000}, openai.BadRequestError, "context_length_exceeded"),
        ({"max_tokens": 4, "extra_body": {"min_tokens": 5}}, openai.BadRequestError, None),
        ({"temperature": 9}, openai.BadRequestError, None),
    ],
)
def test_errors_are_the_clients_own_kinds(client: openai.OpenAI, fields: Any, kind: Any, code: str | None) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**{"model": "qwen2", "messages": said("hi"), **fields})
    assert caught.value.code == code


def test_http_errors_have_the_shape_too(port: int) -> None:
    assert post(port, "/v1/nothing", b"{}")[0] == 404
    assert post(port, "/v1/models", b"{}")[0] == 405
    status, body = post(port, "/v1/completions", b"x" * ((1 << 20) + 1))
    assert status == 413
    assert set(body["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_frees_the_server(home: Home, port: int, stream: bool) -> None:
    log = home.workspace / "runs" / "qwen2" / "server.log"
    before = log.read_text().count("a client cancelled its request")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    body = {"model": "qwen2", "prompt": "x", "stream": stream, **LONG}
    connection.request("POST", "/v1/completions", json.dumps(body))
    assert soon(lambda: figure(port, "trtllm_openai_answering") == 1)
    if stream:
        connection.getresponse().read(64)
    assert connection.sock is not None
    connection.sock.close()
    connection.close()
    assert soon(lambda: log.read_text().count("a client cancelled its request") > before)
    assert soon(lambda: figure(port, "trtllm_openai_answering") == 0)


def test_two_hundred_clients_at_once_are_all_answered(port: int) -> None:
    body = json.dumps({"model": "qwen2", "messages": said("Count to ten.")}).encode()
    with concurrent.futures.ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(lambda _: post(port, "/v1/chat/completions", body), range(200)))
    assert {status for status, _ in answers} == {200}
    assert {answer["choices"][0]["message"]["content"] for _, answer in answers} == {COUNT}
    assert figure(port, "trtllm_openai_waiting") == 0


def test_a_request_that_announces_too_much_is_refused_before_it_is_sent(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("POST", "/v1/completions")
    connection.putheader("content-length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_figures_of_the_gateway_and_of_triton(port: int) -> None:
    assert figure(port, "trtllm_openai_requests_total") > 0
    assert figure(port, "nv_inference_request_success") > 0


def test_exposing_without_a_key_is_refused(home: Home) -> None:
    assert "without an API key" in home.invoke("openai", "--expose", "--port", "21999", code=2).stderr


@pytest.mark.parametrize("text", ["", "{}", "\0"])
def test_a_damaged_record_of_an_endpoint_is_none_and_goes_with_the_server(text: str, tmp_path: Path) -> None:
    record = tmp_path / "qwen2" / process.RECORD
    record.parent.mkdir()
    record.write_text(text, encoding="utf-8")
    assert process.endpoint(tmp_path, "qwen2") is None
    process.stop(tmp_path, "qwen2")
    assert not record.exists()


def test_an_endpoint_beside_another_has_the_next_port(tmp_path: Path) -> None:
    assert process.port_for(tmp_path) == process.USUAL
    record = tmp_path / "qwen2" / process.RECORD
    record.parent.mkdir()
    record.write_bytes(msgspec.json.encode(process.endpoint_of(os.getpid(), process.USUAL)))
    assert process.port_for(tmp_path) == process.USUAL + 1


def test_a_port_in_use_names_its_holder(home: Home, port: int) -> None:
    assert f"{port} (openai)" in home.invoke("openai", "--port", str(port), code=1).stderr


def test_a_server_killed_mid_stream_is_an_error_then_503_and_stop_leaves_nothing(tmp_path: Path) -> None:
    made = make_home(tmp_path, 19500 + os.getpid() % 1000)
    made.serve("--openai", "--openai-port", str(free_ports(1, 22000)[0]))
    there = process.endpoint(made.workspace / "runs", "qwen2")
    assert there is not None
    with openai.OpenAI(base_url=there.url, api_key="none", max_retries=0, timeout=PATIENCE) as client:
        stream = iter(client.completions.create(model="qwen2", prompt="x", stream=True, extra_body=LONG))
        next(stream)
        os.killpg(made.run.process, signal.SIGKILL)
        with pytest.raises(openai.APIError, match="no Triton answers"):
            list(stream)
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="qwen2", messages=said("hi"))
        assert caught.value.status_code == 503
    assert "no server is running" in made.invoke("status").stdout
    assert soon(lambda: not processes.alive(there.process, there.born))
