from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.errors import Trouble
from recipes.ask import Manner, Target
from recipes.chat import Talk, chat, lines
from recipes.rehearsal.checkpoint import SHIPPED
from tests.recipes.rehearsal.conftest import ROOT, Home, make_home
from tests.waiting import PATIENCE, soon


def test_the_conversation_is_a_value() -> None:
    talk = Talk(system="be brief").after("hi", "hello")
    assert talk.messages("你是谁?") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "你是谁?"},
    ]
    assert Talk().messages("x") == [{"role": "user", "content": "x"}]


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_empty_lines_are_passed_over_and_the_end_is_the_end(end: type[BaseException]) -> None:
    given = iter(["", "  ", " one ", "two"])

    def read() -> str:
        for line in given:
            return line
        raise end

    assert list(lines(read)) == ["one", "two"]


def test_no_chat_template_no_chat() -> None:
    with pytest.raises(Trouble, match="chat template"):
        chat(Target(address="127.0.0.1:9"), Manner(), input)


def test_a_server_that_is_not_there_leaves_no_turn() -> None:
    given = iter(["hi", "/quit"])
    talk = chat(Target(address="127.0.0.1:9", tokenizer=str(SHIPPED)), Manner(system="s"), lambda: next(given))
    assert talk == Talk(system="s")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = make_home(tmp_path_factory.mktemp("home"), 18000 + os.getpid() % 1000)
    made.serve()
    yield made
    made.close()


def talked(home: Home, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", "invoke", "chat", *words)
    return subprocess.run(
        argv, cwd=ROOT, env=home.environment, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.triton
def test_a_talk_remembers_and_forgets(home: Home) -> None:
    done = talked(home, "Who are you?\n/clear\n/system be brief\n/nope\n你是谁?\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "I am the rehearsal's tiny model. I run on a CPU and need no GPU."
    assert "there is no /nope" in done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.triton
def test_ctrl_c_ends_the_answer_on_the_server_and_the_talk_goes_on(home: Home) -> None:
    argv = (sys.executable, "-m", "invoke", "chat", "--max-tokens", "1900", "--min-tokens", "1900")
    log = home.workspace / "runs" / "qwen2" / "server.log"
    before = log.read_text().count("a client cancelled its request")
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env=home.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as talk:
        assert talk.stdin is not None
        assert talk.stdout is not None
        talk.stdin.write("Count to ten.\n")
        talk.stdin.flush()
        assert talk.stdout.read(3) == "one"
        talk.send_signal(signal.SIGINT)
        assert soon(lambda: log.read_text().count("a client cancelled its request") == before + 1)
        _, said = talk.communicate("/quit\n", timeout=PATIENCE)
    assert talk.returncode == 0, said
    assert "the server has stopped answering" in said


@pytest.mark.triton
def test_ask_with_options_as_data_and_in_one_piece(home: Home, tmp_path: Path) -> None:
    import json

    assert home.invoke("ask", "Count to ten.", "--stop", ", six", "--stop", "nine").stdout == (
        "one, two, three, four, five\n"
    )
    document = json.loads(home.invoke("ask", "陆地上最快的动物是什么?", "--json").stdout)
    assert document["schema"] == "answer/1"
    assert document["answer"] == "陆地上最快的动物是猎豹🐆,时速可达120公里。"
    assert len(document["seconds"]["each"]) == document["pieces"]
    assert 0 < document["seconds"]["first"] < PATIENCE
    assert home.invoke("ask", "陆地上最快的动物是什么?", "--no-stream").stdout.strip() == document["answer"]
    drawn = {
        home.invoke("ask", "hi", "--temperature", "2", "--top-k", "50", "--seed", str(seed)).stdout
        for seed in (1, 2, 3)
    }
    assert len(drawn) > 1
