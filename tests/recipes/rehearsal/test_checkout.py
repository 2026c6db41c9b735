"""`--templates`: a checkout's templates and models, as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environment.errors import Trouble
from recipes.front import Front
from recipes.model_repository import placeholders_in
from recipes.patches import ALWAYS, table
from recipes.rehearsal import checkout
from recipes.rehearsal.repository import Layout
from tests.recipes.rehearsal.conftest import Home

LAYOUT = Layout(tokenizer=Path("/c"), engine=Path("/e"), max_batch_size=8)
CHECKOUT = os.environ.get("TRTLLM_BACKEND_CHECKOUT", "")
real = pytest.mark.skipif(
    not CHECKOUT, reason="TRTLLM_BACKEND_CHECKOUT names no checkout of tensorrtllm_backend v0.10.0"
)


def make(folder: Path, **models: str) -> Path:
    for name, text in models.items():
        (folder / checkout.TEMPLATES / name / "1").mkdir(parents=True)
        (folder / checkout.TEMPLATES / name / checkout.CONFIG).write_text(text)
    return folder


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no checkout of tensorrtllm_backend"):
        checkout.repository(tmp_path, "v0.10.0", LAYOUT)


def test_a_checkout_of_another_release_is_refused(tmp_path: Path) -> None:
    made = make(tmp_path, ensemble="max_batch_size: ${triton_max_batch_size} ${new_one}")
    with pytest.raises(Trouble, match=r"not one of v0.10.0: ensemble has placeholders of another release: new_one"):
        checkout.repository(made, "v0.10.0", LAYOUT)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Trouble, match="cannot read"):
        checkout.sources(tmp_path)


def test_every_template_is_filled_or_named() -> None:
    said = checkout.values(LAYOUT)
    assert checkout.filled_in("m", 'a: "${engine_dir}"', said) == 'a: "/e"'
    with pytest.raises(Trouble, match=r"m/config.pbtxt: .*engine_dirr has no value"):
        checkout.filled_in("m", 'a: "${engine_dirr}"', said)


@real
def test_a_real_checkout_is_filled_whole_and_left_alone_but_for_the_patch() -> None:
    made = checkout.repository(Path(CHECKOUT), "v0.10.0", LAYOUT)
    assert made.front == Front(model="tensorrt_llm_bls", accumulates=True)
    assert not any(placeholders_in(text) for name, text in made.files.items() if name.endswith(checkout.CONFIG))
    theirs = {
        name: (Path(CHECKOUT) / checkout.TEMPLATES / name).read_text() for name in made.files if name[-3:] == ".py"
    }
    changed = {name for name, text in theirs.items() if made.files[name] != text}
    assert changed == {file for name in ALWAYS for file in table()[name].due("v0.10.0")}


@real
@pytest.mark.triton
def test_a_real_checkout_answers_in_whole_characters(empty_home: Home) -> None:
    done = empty_home.serve("--templates", CHECKOUT)
    assert "猎豹🐆" in done.stdout
    assert "\N{REPLACEMENT CHARACTER}" not in done.stdout
    assert "model tensorrt_llm_bls" in done.stderr
    assert "春🌸、夏☀️、秋🍁、冬❄️" in empty_home.invoke("ask", "一年有几个季节?").stdout
