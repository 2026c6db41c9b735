"""A conversation through the model's own chat template, and an answer in one piece, as the real Triton gets them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.recipes.clients.conftest import TRITON
from tests.recipes.clients.test_failures import LONG, TEXT, asking, begun, cancelled
from tests.recipes.clients.test_text import run
from tests.recipes.clients.words import ALL
from tests.recipes.rehearsal.conftest import ROOT, Home
from tests.waiting import PATIENCE, soon

pytestmark = TRITON


def test_the_history_reaches_the_server_through_the_chat_template(home: Home) -> None:
    lines = f"猎豹🐆\n{ALL}\n/clear\n{ALL}\n/system\n/clear\n{ALL}\n"
    said = run(home, "chat", "--system", "be brief", "--max-tokens", "900", given=lines).decode().splitlines()
    told = f"<system be brief> <user 猎豹🐆> <assistant 猎豹🐆> <user {ALL}> <assistant"
    assert said[0] == "猎豹🐆"
    assert said[1].strip() == told
    assert said[2].strip() == f"<system be brief> <user {ALL}> <assistant"
    assert said[3].strip() == f"<user {ALL}> <assistant"


def test_another_system_message_counts_from_the_next_answer_on(home: Home) -> None:
    lines = f"/system 请简要回答\n{ALL}\n"
    assert run(home, "chat", "--max-tokens", "900", given=lines).decode().startswith("<system 请简要回答> <user")


def test_ctrl_c_on_a_terminal_ends_the_answer_on_the_engine_and_the_talk_goes_on(home: Home) -> None:
    before = cancelled(home)
    with interrupted(home):
        assert soon(lambda: cancelled(home) == before + 1)


@contextmanager
def interrupted(home: Home) -> Iterator[None]:
    """A talk as a person has it: a terminal, its Ctrl-C in an answer, one more line, the end."""
    person, terminal = pty.openpty()
    argv = (sys.executable, "-m", "invoke", "chat", *LONG)
    with subprocess.Popen(
        argv, cwd=ROOT, env=home.environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as talk:
        os.close(terminal)
        written(person, "> ")
        os.write(person, f"{TEXT}\n".encode())
        written(person, "cheetah猎豹")
        os.killpg(talk.pid, signal.SIGINT)
        written(person, "the server has stopped answering")
        yield
        os.write(person, b"/quit\n")
        assert talk.wait(PATIENCE) == 0
    os.close(person)


def written(person: int, wanted: str) -> None:
    """Reads the terminal until it shows what is wanted."""
    shown, deadline = "", time.monotonic() + PATIENCE
    while wanted not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(person, 4096).decode("utf-8", "replace")


def test_where_decoupled_mode_is_off_the_answer_comes_in_one_piece(whole: Home) -> None:
    assert run(whole, "ask", TEXT, "--no-stream").decode() == f"{TEXT}\n"
    document = json.loads(run(whole, "ask", TEXT, "--no-stream", "--json", "--stop", "🐆"))
    assert document["answer"] == "猎豹"
    assert document["pieces"] == len(document["seconds"]["each"]) == 1
    assert 0 < document["seconds"]["first"] < PATIENCE


def test_who_asks_it_to_stream_is_told_how_to_ask_instead(whole: Home) -> None:
    said = whole.invoke("ask", TEXT, code=1).stderr
    assert "decoupled mode" in said
    assert "--no-stream" in said


def test_an_answer_in_one_piece_that_is_interrupted_there_ends_there(whole: Home) -> None:
    before, answers = cancelled(whole), begun(whole)
    with asking(whole, "ask", TEXT, "--no-stream", *LONG) as process:
        assert soon(lambda: begun(whole) > answers)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert soon(lambda: cancelled(whole) == before + 1)
