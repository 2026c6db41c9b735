from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.openai.requests import BadRequest, Chat, read_chat, read_completion

MESSAGES = [{"role": "user", "content": "hi"}]


def chat(**fields: Any) -> Chat:
    return read_chat(json.dumps({"model": "m", "messages": MESSAGES, **fields}).encode())


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        chat(**fields)
    return caught.value


def test_what_clients_send_is_read() -> None:
    asked = chat(max_completion_tokens=5, stop="x", stream=True, stream_options={"include_usage": True}, temperature=0)
    assert (asked.limit, asked.stop_words, asked.stream, asked.with_usage) == (5, ("x",), True, True)
    assert chat(max_tokens=7).limit == 7
    assert chat(stop=["a", "b"]).stop_words == ("a", "b")


def test_parts_and_roles_become_what_chat_templates_know() -> None:
    parts = [{"type": "text", "text": "陆地"}, {"type": "text", "text": "上"}]
    asked = chat(
        messages=[{"role": "developer", "content": "be brief", "name": "x"}, {"role": "user", "content": parts}]
    )
    assert [message.plain() for message in asked.messages] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "陆地上"},
    ]


def test_an_answer_can_be_sent_back_as_it_came() -> None:
    beside: dict[str, Any] = {"refusal": None, "audio": None, "function_call": None, "annotations": []}
    answer = {"role": "assistant", "content": "a", "tool_calls": [], **beside}
    asked = chat(messages=[*MESSAGES, answer, *MESSAGES])
    assert asked.messages[1].plain() == {"role": "assistant", "content": "a"}
    called = refused(messages=[*MESSAGES, {**answer, "tool_calls": [{"id": "x"}]}])
    assert (called.parameter, called.code) == ("tool_calls", "unsupported_parameter")


def test_a_refusal_says_what_would_do() -> None:
    assert str(refused(n=2)) == "n 2 is not supported by this server; leave it out or say 1"
    assert 'or say {"type":"text"}' in str(refused(response_format={"type": "json_object"}))
    assert len(str(refused(logit_bias={str(number): 1 for number in range(9999)}))) < 200


def test_what_changes_nothing_is_accepted() -> None:
    assert not chat(stream=None).stream
    assert chat(n=1, user="u", logprobs=False, tools=[], response_format={"type": "text"}, metadata={"a": "b"})


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"max_tokens": 2**31}, "max_tokens"),
        ({"min_tokens": 2**31}, "min_tokens"),
        ({"top_k": 2**31}, "top_k"),
        ({"seed": 2**63}, "seed"),
        ({"temprature": 1}, "temprature"),
        ({"messages": []}, "messages"),
        ({"messages": ["hi"]}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages"),
    ],
)
def test_what_cannot_be_honoured_names_its_field(fields: dict[str, Any], parameter: str) -> None:
    assert refused(**fields).parameter == parameter


def test_an_unknown_field_is_told() -> None:
    assert "temprature" in str(refused(temprature=1))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe", b'{"model": 1, "prompt": "x"}', b"[" * 100_000, b'{"model": "m"}'],
)
def test_no_body_is_too_odd_to_be_refused_well(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_completion(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_chat(body)


def test_a_completion_has_one_prompt() -> None:
    assert read_completion(b'{"model": "m", "prompt": ["x"]}').text == "x"
    for prompt in (["x", "y"], [], [1, 2], 3, "", [""]):
        with pytest.raises(BadRequest):
            read_completion(json.dumps({"model": "m", "prompt": prompt}).encode())
