"""Canaries: secrets laid into every kind of reading are found nowhere afterwards."""

from __future__ import annotations

import json

import pytest

from doctor.facts.readings import Reading
from doctor.redaction import MARK, cut, without_names, without_secrets

CANARIES = {
    "hub token": "hf_AbCdEfGhIjKlMnOpQrStUvWxYz123456",
    "NGC key": "nvapi-abcdefghijklmnopqrstuvwxyz_0123456789-ABCDEF",
    "GitHub token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AWS key": "AKIAIOSFODNN7EXAMPLE",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "a password": "correct-horse-battery",
}


def places(canary: str) -> list[str]:
    """Texts as they really occur, each with the canary in it."""
    return [
        f"HTTPS_PROXY=http://user:{canary}@proxy.example:3128",
        json.dumps({"HttpProxy": f"http://user:{canary}@proxy.example:3128", "Driver": "overlay2"}),
        json.dumps({"Config": {"Env": ["PATH=/bin", f"NGC_API_KEY={canary}"]}}),
        json.dumps([{"argv": ["tritonserver", f"--api-key={canary}"]}]),
        json.dumps({"auths": {"nvcr.io": {"password": canary, "identitytoken": canary}}}),
        json.dumps([{"argv": ["tritonserver", "--api-key", canary, "--http-port", "8000"]}]),
        f"RUN huggingface-cli login --token {canary}",
        f"Authorization: Bearer {canary}",
        f"docker login -u '$oauthtoken' --password={canary}",
        f'password = "{canary}"\n',
        "\n".join([json.dumps({"Names": "a"}), json.dumps({"Names": "b", "Command": f"serve --token={canary}"})]),
    ]


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_no_canary_survives(canary: str) -> None:
    for place in places(canary):
        taken = without_secrets(Reading(text=place, reason=place))
        assert canary not in taken.text + taken.reason, place
        assert MARK in taken.text


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_the_value_of_a_pair_is_a_secret_when_its_name_says_so(canary: str) -> None:
    pairs = {"parameters": [["api_key", canary], ["engine_dir", "/e"]], "eos_token": "</s>"}
    taken = without_secrets(Reading(text=json.dumps(pairs)))
    assert json.loads(taken.text) == {"parameters": [["api_key", MARK], ["engine_dir", "/e"]], "eos_token": "</s>"}


def test_what_was_json_stays_json() -> None:
    for place in places(CANARIES["hub token"])[1:5]:
        json.loads(without_secrets(Reading(text=place)).text)


def test_what_is_no_secret_stays() -> None:
    info = {"Plugins": {"Authorization": None}, "Runtimes": {"nvidia": {}}, "TokenCount": 7, "secrets": []}
    words = "max_tokens=2560 kv_cache tokenizer_dir: /models/qwen2 pad_token eos_token"
    assert json.loads(without_secrets(Reading(text=json.dumps(info))).text) == info
    assert "/models/qwen2" in cut(words)


def test_names_of_hosts_people_and_homes_go_before_saving() -> None:
    text = json.dumps({"path": "/home/alice/.cache/hub", "root": "/root/x", "said": "gpu-box-7 and GPU-BOX-7.example"})
    saved = without_names({"a": Reading(text=text, reason="alice@gpu-box-7")}, ("gpu-box-7", "alice"))["a"]
    assert "alice" not in saved.text + saved.reason
    assert "gpu-box-7" not in (saved.text + saved.reason).lower()
    assert json.loads(saved.text)["path"] == "~/.cache/hub"


def test_a_name_inside_another_word_stays() -> None:
    saved = without_names({"a": Reading(text="vmalloc vm-stat on vm")}, ("vm",))["a"]
    assert saved.text == "vmalloc vm-stat on [name]"
