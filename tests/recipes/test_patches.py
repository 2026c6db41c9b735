"""The patches, run on the lines of the releases that they are for, with the real sed and grep."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from recipes.patches import applied, table
from recipes.recipe import find, names

# triton-inference-server/tensorrtllm_backend@v0.6.1 and @v0.10.0: all_models/inflight_batcher_llm/*/1/model.py;
# NVIDIA/TensorRT-LLM@v0.10.0: benchmarks/cpp/prepare_dataset.py
LINES = """\
            self.tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir,
                                                           padding_side='left')
        self.tokenizer.pad_token = self.tokenizer.eos_token
            tokenizer = AutoTokenizer.from_pretrained(v, padding_side='left')
        tokenizer.pad_token = tokenizer.eos_token
        self.pad_id = self.tokenizer.encode(self.tokenizer.pad_token,
            np.array(self.tokenizer.encode(s[0].decode())).astype(int)
  value: { string_value: "False" }
"""


FILES = (
    "preprocessing/1/model.py",
    "preprocessing/config.pbtxt",
    "postprocessing/1/model.py",
    "prepare_dataset.py",
)


def copies(root: Path) -> Path:
    for file in FILES:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(LINES, encoding="utf-8")
    return root


@pytest.mark.parametrize("name", table())
def test_a_patch_changes_one_line_and_keeps_the_file_as_it_was(name: str, tmp_path: Path) -> None:
    folder = copies(tmp_path)
    for step in applied([name], (*table()[name].releases, "v0.10.0")[0], str(folder), "out"):
        subprocess.run(step.argv, check=True)
    for file in table()[name].files:
        text = (folder / file).read_text(encoding="utf-8")
        changed = [pair for pair in zip(LINES.splitlines(), text.splitlines(), strict=True) if pair[0] != pair[1]]
        assert len(changed) == 1
        assert (folder / f"{file}.before-{name}").read_text(encoding="utf-8") == LINES


def test_two_patches_of_one_file_can_both_be_undone(tmp_path: Path) -> None:
    folder = copies(tmp_path)
    for step in applied(["load-remote-code", "keep-special-tokens"], "v0.6.1", str(folder), "out"):
        subprocess.run(step.argv, check=True)
    text = (folder / "preprocessing/1/model.py").read_text(encoding="utf-8")
    assert "from_pretrained(tokenizer_dir, trust_remote_code=True,\n" in text
    assert "        # self.tokenizer.pad_token = self.tokenizer.eos_token\n" in text


def test_a_patch_that_does_not_take_fails_its_step(tmp_path: Path) -> None:
    folder = copies(tmp_path)
    (folder / "preprocessing/1/model.py").write_text("nothing of it\n", encoding="utf-8")
    edit, proof, *_ = applied(["keep-special-tokens"], "v0.9.0", str(folder), "out")
    assert subprocess.run(edit.argv, check=False).returncode == 0
    assert subprocess.run(proof.argv, check=False).returncode == 1


def test_where_the_release_guards_the_assignment_nothing_is_patched() -> None:
    """Seed mistake W13: the edit is unnecessary from v0.11.0 on."""
    assert applied(["keep-special-tokens", "load-remote-code"], "v0.11.0", "/repo", "out") == ()
    assert len(applied(["keep-special-tokens", "load-remote-code"], "v0.10.0", "/repo", "out")) == 4


def test_every_patch_a_recipe_names_is_known() -> None:
    assert {patch for name in names() for patch in find(name).patches} <= set(table())
