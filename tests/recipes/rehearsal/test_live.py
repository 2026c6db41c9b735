"""The rehearsal itself, on the real Triton: what a person sees, and what any client gets."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import tomllib

from environment.artifacts.model_config import Config, parse_config
from recipes.client import Answer, Question, Refused, Unreachable, ask
from recipes.prompt import prompt
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.rehearsal.conftest import ROOT, Home
from tests.waiting import PATIENCE, soon

pytestmark = pytest.mark.triton
KNOWN = tomllib.loads((ROOT / "recipes/rehearsal/questions.toml").read_text(encoding="utf-8"))["known"]


def asked(home: Home, question: str, **options: Any) -> Answer:
    answer = Answer()
    options.setdefault("max_tokens", 200)
    for _ in ask(home.run.address, Question(prompt=prompt(question, SHIPPED), **options), answer):
        pass
    return answer


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["question"])
def test_every_known_question_is_answered_in_whole_characters(home: Home, known: dict[str, str]) -> None:
    answer = asked(home, known["question"])
    assert answer.text == known["answer"]
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in answer.pieces)
    assert len(answer.pieces) > 3


@pytest.mark.parametrize("question", ["陆地上最快的动物是什么?", "陆地上最快的动物是什么？"])
def test_ask_streams_the_seeds_answer_to_standard_output(home: Home, question: str) -> None:
    done = home.invoke("ask", question)
    assert "猎豹" in done.stdout
    assert "pieces" in done.stderr


def test_tokens_arrive_one_after_another_not_at_the_end(home: Home) -> None:
    answer = asked(home, "Count to ten.")
    assert answer.times[0] < answer.times[-1]
    assert len(set(answer.times)) == len(answer.pieces)


def test_an_answer_cut_inside_a_character_has_no_broken_one(home: Home) -> None:
    for limit in range(1, 12):
        answer = asked(home, "陆地上最快的动物是什么?", max_tokens=limit)
        assert KNOWN[0]["answer"].startswith(answer.text)


def test_streams_at_once_do_not_mix(home: Home) -> None:
    answers: dict[int, Answer] = {}
    threads = [
        threading.Thread(target=lambda place=place: answers.update({place: asked(home, KNOWN[place % 14]["question"])}))
        for place in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[place].text for place in range(16)] == [KNOWN[place % 14]["answer"] for place in range(16)]


def test_leaving_the_answer_cancels_it(home: Home) -> None:
    log = home.workspace / "runs" / "qwen2" / "server.log"
    assert "a client cancelled its request" not in log.read_text()
    for _ in ask(home.run.address, Question(prompt="x", max_tokens=1900, min_tokens=1900)):
        break
    assert soon(lambda: "a client cancelled its request" in log.read_text())
    assert asked(home, "Who are you?").text


def test_stop_words_end_the_answer(home: Home) -> None:
    text = asked(home, "Count to ten.", stop_words=(" three",)).text
    assert text.endswith("three")


def test_the_servers_reason_reaches_the_client(home: Home) -> None:
    with pytest.raises(Refused, match="max_position_embeddings"):
        asked(home, "hi", max_tokens=100_000)
    with pytest.raises(Refused, match=r"unknown model|not found"):
        asked(home, "hi", model="nobody")


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(Unreachable, match="no Triton answers"):
        list(ask("127.0.0.1:9", Question(prompt="x"), timeout=PATIENCE))


def test_status_is_one_row_or_data(home: Home) -> None:
    assert "ready" in home.invoke("status").stdout
    status = json.loads(home.invoke("status", "--json").stdout)
    assert status["schema"] == "status/1"
    assert [(server["name"], server["state"], server["kind"]) for server in status["servers"]] == [
        ("qwen2", "ready", "rehearsal")
    ]


def test_logs_show_the_server(home: Home) -> None:
    assert "Started GRPCInferenceService" in home.invoke("logs", "--lines", "500").stdout


def test_it_listens_on_the_loopback_address_alone(home: Home) -> None:
    import psutil

    server = psutil.Process(home.run.process)
    listening = {c.laddr.ip for c in server.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_second_serve_with_the_same_settings_reuses_the_server(home: Home) -> None:
    before = home.run.process
    assert "running already" in home.serve().stderr
    assert home.run.process == before


def test_a_second_serve_with_other_settings_refuses_and_says_how(home: Home) -> None:
    done = home.serve("--max-batch-size", "3", code=1)
    assert "other settings: max_batch_size 8 -> 3" in done.stderr
    assert "./inv stop --name qwen2" in done.stderr


def test_ports_in_use_name_the_process_and_offer_free_ones(home: Home) -> None:
    done = home.serve("--name", "other", code=1)
    assert f"tritonserver (process {home.run.process})" in done.stderr
    assert "--http-port" in done.stderr


def test_nothing_is_written_outside_the_workspace(home: Home) -> None:
    assert {path.name for path in home.workspace.iterdir()} == {"checkpoints", "engines", "repositories", "runs"}


def test_every_file_of_the_repository_parses_as_triton_reads_it(home: Home) -> None:
    configs = sorted(Path(home.workspace / "repositories").glob("rehearsal-*/*/config.pbtxt"))
    found = [parse_config(path.read_text()) for path in configs]
    assert [each.name for each in found if isinstance(each, Config)] == [path.parent.name for path in configs]
    assert len(configs) == 4
