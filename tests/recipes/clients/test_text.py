"""Text of every kind, streamed token by token through the real Triton, comes out byte-identical by every way."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.client import Answer, Question, ask
from recipes.openai import process
from recipes.ports import free_ports
from recipes.rehearsal.checkpoint import SHIPPED
from recipes.rehearsal.text import load_tokenizer
from tests.recipes.clients.conftest import TRITON
from tests.recipes.rehearsal.conftest import ROOT, Home

pytestmark = TRITON
LIMIT = 2000
FEWER = 1000  # the endpoint knows that prompt and answer share the model's 2048 positions
PLAIN = {"PYTHONIOENCODING": "", "PYTHONUTF8": "0"}


def run(home: Home, *words: str, given: str = "", **variables: str) -> bytes:
    """Standard output of a task, as bytes."""
    environment = {**home.environment, **variables}
    argv = (sys.executable, "-m", "invoke", *words)
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, input=given.encode(), capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def port(home: Home) -> Iterator[int]:
    """An OpenAI endpoint before the server."""
    runs = home.workspace / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRTLLM_WORKSPACE", str(home.workspace))
        endpoint = process.start(runs, home.run, ("--port", str(free_ports(1, 20000 + os.getpid() % 1000)[0])))
    yield endpoint.port
    process.stop(runs, "qwen2")


def test_the_texts_are_split_inside_characters(corpus: dict[str, str]) -> None:
    """Else the tests below would prove nothing: most tokens of this tokenizer are parts of characters."""
    tokenizer = load_tokenizer(SHIPPED)
    alone = [tokenizer.decode([token]) for text in corpus.values() for token in tokenizer.encode(text).ids]
    assert sum("\N{REPLACEMENT CHARACTER}" in text for text in alone) > len(alone) / 2


def test_grpc_pieces_are_whole_characters_and_the_whole_text(home: Home, corpus: dict[str, str]) -> None:
    for name, text in corpus.items():
        answer = Answer()
        for _ in ask(home.run.address, Question(prompt=text, max_tokens=LIMIT), answer):
            pass
        assert answer.text.encode() == text.encode(), name
        whole = name == "replacement_character_inside"
        assert whole or not any("\N{REPLACEMENT CHARACTER}" in piece for piece in answer.pieces), name
        assert len(answer.pieces) > 1, name


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=1, max_size=40))
def test_any_text_comes_back(home: Home, text: str) -> None:
    assert "".join(ask(home.run.address, Question(prompt=text, max_tokens=LIMIT))) == text


@pytest.mark.parametrize("variables", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", **PLAIN, "PYTHONCOERCECLOCALE": "0"}])
def test_ask_writes_the_bytes_whatever_the_locale(
    home: Home, corpus: dict[str, str], variables: dict[str, str]
) -> None:
    text = "|".join(corpus.values())
    assert run(home, "ask", text, "--max-tokens", str(LIMIT), **variables) == f"{text}\n".encode()


def test_ask_as_data_and_over_http(home: Home, corpus: dict[str, str]) -> None:
    text = "|".join(corpus.values())
    document = json.loads(run(home, "ask", text, "--json", "--max-tokens", str(LIMIT)))
    assert document["answer"] == document["question"] == text
    assert run(home, "ask", text, "--no-stream", "--max-tokens", str(LIMIT)) == f"{text}\n".encode()


def test_chat_answers_line_by_line(home: Home, corpus: dict[str, str]) -> None:
    lines = "".join(f"{text}\n" for text in corpus.values())
    assert run(home, "chat", "--max-tokens", str(LIMIT), given=lines, LC_ALL="C", **PLAIN) == lines.encode()


@pytest.mark.parametrize("stream", [True, False])
def test_the_openai_client_gets_them(port: int, corpus: dict[str, str], stream: bool) -> None:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as client:
        for name, text in corpus.items():
            chat = client.chat.completions
            if stream:
                chunks = list(
                    chat.create(
                        model="qwen2", messages=[{"role": "user", "content": text}], max_tokens=FEWER, stream=True
                    )
                )
                said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                assert len(chunks) > 3, name
            else:
                answer = chat.create(model="qwen2", messages=[{"role": "user", "content": text}], max_tokens=FEWER)
                said = answer.choices[0].message.content or ""
            assert said.encode() == text.encode(), name


def test_server_sent_events_are_whole_utf_8_each(port: int, corpus: dict[str, str]) -> None:
    text = "|".join(corpus.values())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = {"model": "qwen2", "prompt": text, "max_tokens": FEWER, "stream": True}
    connection.request("POST", "/v1/completions", json.dumps(body).encode())
    events = connection.getresponse().read().split(b"\n\n")
    connection.close()
    assert events[-2:] == [b"data: [DONE]", b""]
    said = [json.loads(event.removeprefix(b"data: "))["choices"][0]["text"] for event in events[:-2]]
    assert "".join(said) == text


def test_stop_words_are_found_across_tokens_and_inside_characters_parts(home: Home, corpus: dict[str, str]) -> None:
    for stop in ("猎豹", "🐟", "👩‍👧", "e\u0301", "\u05dd \u05e2"):
        for text in (text for text in corpus.values() if stop in text):
            said = run(home, "ask", text, "--stop", stop, "--max-tokens", str(LIMIT))
            assert said == f"{text.partition(stop)[0]}\n".encode()


def test_an_answer_cut_anywhere_is_a_beginning_of_the_text(home: Home, corpus: dict[str, str]) -> None:
    text = corpus["emoji_family_zwj"]
    for limit in range(1, 40):
        said = "".join(ask(home.run.address, Question(prompt=text, max_tokens=limit)))
        assert text.startswith(said), limit


def test_the_corpus_is_text_that_terminals_can_be_given(corpus: dict[str, str]) -> None:
    assert len(corpus) > 25
    assert all("\n" not in text and text == text.strip() for text in corpus.values())
