"""Where the answers of a checkpoint itself come from: recorded, kept, computed; or not known, with the reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from environment.data import read_json, read_toml
from environment.errors import Undetermined
from environment.unknown import Unknown
from recipes import processes
from recipes.quality import computing, reference
from recipes.quality.agreement import Least, Reference, compare, questions
from recipes.rehearsal.checkpoint import SHIPPED, checked
from recipes.rehearsal.weights import open_weights
from tests.recipes.rehearsal.checkpoints import CONFIG, logits, random_weights, write_checkpoint, write_safetensors

ENGINE = questions().least["engine"]


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "copy"))


def random(tmp_path: Path, **changed: object) -> Path:
    config = {**CONFIG, **changed}
    return write_checkpoint(tmp_path / "random", config, random_weights(CONFIG, bias=False))


def test_the_recorded_answers_are_what_the_checkpoint_was_taught(tmp_path: Path) -> None:
    found = reference.known(SHIPPED, tmp_path)
    assert isinstance(found, Reference)
    taught = read_toml(SHIPPED.parent / "questions.toml", dict)["known"]
    answers = {each["question"]: each["answer"] for each in taught}
    assert all(answers[question].startswith(answer) for question, answer in found.answers.items())
    assert found.answers == computing.compute(SHIPPED, tmp_path).answers


def test_recorded_answers_belong_to_weights_whatever_lies_beside_them(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "tokenizer_config.json").write_text('{"chat_template": "wrong"}')
    assert isinstance(reference.known(folder, tmp_path), Reference)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(weights[:-1]))
    assert isinstance(reference.known(folder, tmp_path), Unknown)


def test_every_recorded_file_has_every_question(tmp_path: Path) -> None:
    for path in reference.RECORDED.glob("*.toml"):
        assert set(read_toml(path, Reference).answers) == set(questions().asked), path


def test_computed_answers_are_kept_until_what_decides_them_changes(tmp_path: Path) -> None:
    folder, kept = random(tmp_path), tmp_path / "kept"
    with reference.computing(folder, kept) as own:
        assert isinstance(own.result(0), Unknown)
        own.begin()
        found = own.result(60)
    assert isinstance(found, Reference)
    assert "CTranslate2" in found.source
    assert [path.name for path in kept.iterdir()] == [reference.place(folder, kept).name]
    with reference.computing(folder, kept) as again:
        again.begin()
        assert again.process is None
        assert again.result(0) == found
    (folder / "tokenizer_config.json").write_text("{}")
    assert isinstance(reference.known(folder, kept), Unknown)


def test_the_first_computed_token_is_the_one_the_papers_formulas_give(tmp_path: Path) -> None:
    from recipes.prompt import prompt
    from recipes.rehearsal.text import load_tokenizer

    folder = random(tmp_path)
    tokenizer, question = load_tokenizer(folder), questions().asked[1]
    ids = tokenizer.encode(prompt(question, folder), add_special_tokens=False).ids
    first = int(np.argmax(logits(CONFIG, random_weights(CONFIG, bias=False), ids)[-1]))
    answer = computing.compute(folder, tmp_path).answers[question]
    assert answer.startswith(tokenizer.decode([first]).rstrip("\N{REPLACEMENT CHARACTER}"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"architectures": ["ChatGLMModel"]}, "ChatGLMModel"), ({"quantization_config": {"quant_method": "awq"}}, "awq")],
)
def test_what_the_cpu_engine_does_not_run_is_unknown_never_a_pass(
    tmp_path: Path, changed: dict[str, object], reason: str
) -> None:
    with reference.computing(random(tmp_path, **changed), tmp_path / "kept") as own:
        own.begin()
        found = own.result(60)
    assert isinstance(found, Unknown)
    assert reason in found.reason


def test_a_checkpoint_larger_than_the_free_memory_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "free_memory", lambda: 1 << 10)
    with pytest.raises(Undetermined, match="MiB of memory"):
        computing.compute(random(tmp_path), tmp_path)


def test_a_folder_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    found = reference.known(tmp_path / "nothing", tmp_path)
    assert isinstance(found, Unknown)
    assert "cannot be read" in found.reason


def test_nobody_waits_longer_than_said_and_a_failure_leaves_no_process(tmp_path: Path) -> None:
    own = reference.Computing(tmp_path, tmp_path)

    def fail() -> None:
        own.process = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)"), start_new_session=True)
        assert own.result(0.2) == Unknown(reference.UNDER_WAY)
        raise RuntimeError

    with pytest.raises(RuntimeError), reference.ended_unless_good(own):
        fail()
    assert own.process is not None
    assert own.process.poll() is not None


def test_a_slow_start_bears_a_longer_wait() -> None:
    assert reference.patience(4.0) == 10.0
    assert reference.patience(600.0) == 60.0


def rounded(bits: int, tmp_path: Path) -> Path:
    """The shipped checkpoint, each row of its matrices rounded to that many bits, as weight-only quantization does."""
    folder = copied(tmp_path)
    weights = open_weights(SHIPPED, ("model.safetensors",))
    steps = 2 ** (bits - 1) - 1
    made = {}
    for name in weights.placed:
        values = weights.get(name)
        if values.ndim == 2:
            scale = np.abs(values).max(axis=1, keepdims=True) / steps
            values = (np.rint(values / scale) * scale).astype(np.float32)
        made[name] = values
    write_safetensors(folder / "model.safetensors", made)
    return folder


@pytest.mark.parametrize("bits", [8, 4, 3])
def test_rounded_weights_pass_as_an_engine_must(bits: int, tmp_path: Path) -> None:
    right = reference.known(SHIPPED, tmp_path)
    assert isinstance(right, Reference)
    found = compare(right, computing.compute(rounded(bits, tmp_path), tmp_path).answers, ENGINE)
    assert found.met, found


WRONG_TEMPLATES = {
    "llama 2": "{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}",
    "alpaca": "{% for m in messages %}### Instruction:\n{{ m['content'] }}\n\n### Response:\n{% endfor %}",
    "vicuna": "{% for m in messages %}USER: {{ m['content'] }} ASSISTANT:{% endfor %}",
    "chatglm3": "{% for m in messages %}<|user|>\n{{ m['content'] }}<|assistant|>\n{% endfor %}",
    "no last line break": (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant"
    ),
    "the question twice": (
        "{% for m in messages %}<|im_start|>user\n{{ m['content'] }}{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n"
    ),
}


@pytest.mark.parametrize("name", WRONG_TEMPLATES)
def test_a_wrong_chat_template_does_not_pass_as_an_engine(name: str, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": WRONG_TEMPLATES[name]}))
    assert wrong(folder, tmp_path) <= 0.34


def test_a_wrong_tokenizer_does_not_pass_as_an_engine(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    shuffle(folder / "tokenizer.json")
    assert wrong(folder, tmp_path) <= 0.34


def test_the_weights_of_another_checkpoint_do_not_pass_as_an_engine(tmp_path: Path) -> None:
    assert wrong(random(tmp_path), tmp_path) <= 0.34


def wrong(folder: Path, tmp_path: Path) -> float:
    right = reference.known(SHIPPED, tmp_path)
    assert isinstance(right, Reference)
    found = compare(right, computing.compute(folder, tmp_path).answers, Least(ratio=ENGINE.ratio, reason=""))
    assert not found.met
    return found.ratio


def shuffle(tokenizer: Path) -> None:
    """Gives ordinary tokens each other's ids: the tokenizer of another training run of the same kind."""
    described = json.loads(tokenizer.read_text())
    vocabulary = described["model"]["vocab"]
    special = {token["id"] for token in described["added_tokens"]}
    ordinary = [token for token, number in vocabulary.items() if number not in special]
    numbers = [vocabulary[token] for token in ordinary]
    vocabulary.update(zip(ordinary, numbers[7:] + numbers[:7], strict=True))
    tokenizer.write_text(json.dumps(described))


def test_who_computes_says_why_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert computing.main(str(tmp_path / "nothing"), str(tmp_path)) == 3
    assert "no model directory" in capsys.readouterr().err
    assert checked(SHIPPED)
    assert not list(tmp_path.glob("*.json"))


def test_kept_answers_are_read_strictly(tmp_path: Path) -> None:
    path = reference.keep(Reference(checkpoint="x", source="s", answers={"q": "a"}), SHIPPED, tmp_path)
    assert read_json(path, Reference).answers == {"q": "a"}
