"""The patches, run on the lines of the releases that they are for, with the real sed and grep."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from environment.contracts.catalogue import FOLDER as CONTRACTS
from environment.errors import Trouble
from environment.execution import carry_out
from environment.plan import Plan
from environment.releases import find as release_of
from recipes.front import BLS, front_of
from recipes.patches import ALWAYS, applied, patched, table
from recipes.recipe import find, names
from recipes.rehearsal.container.context import templates
from recipes.rehearsal.tensors import FOLDER

# triton-inference-server/tensorrtllm_backend@v0.6.1, @v0.8.0 and @v0.10.0: all_models/inflight_batcher_llm;
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
import triton_python_backend_utils as pb_utils
                    model_name="tensorrt_llm",
                for trtllm_response in trtllm_responses:
                for res in res_gen:
            model_name=self.llm_model_name,
"""
FILES = sorted({file for patch in table().values() for edit in patch.edits for file in edit.files})
DUE = [
    (name, release)
    for name, patch in table().items()
    for release in sorted({(*edit.releases, "v0.10.0")[0] for edit in patch.edits})
]


def copies(root: Path) -> Path:
    for file in FILES:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(LINES, encoding="utf-8")
    return root


@pytest.mark.parametrize(("name", "release"), DUE)
def test_each_edit_finds_one_line_and_the_file_as_it_was_is_kept(name: str, release: str, tmp_path: Path) -> None:
    folder, due = copies(tmp_path), table()[name].due(release)
    for step in applied([name], release, str(folder), "out"):
        subprocess.run(step.argv, check=True)
    made = patched(dict.fromkeys(FILES, LINES), [name], release)
    assert due
    for file, edits in due.items():
        assert [len(re.findall(edit.find, LINES, re.MULTILINE)) for edit in edits] == [1] * len(edits)
        assert (folder / file).read_text(encoding="utf-8") == made[file] != LINES
        assert (folder / f"{file}.before-{name}").read_text(encoding="utf-8") == LINES


def test_two_patches_of_one_file_can_both_be_undone(tmp_path: Path) -> None:
    folder = copies(tmp_path)
    for step in applied(["load-remote-code", "keep-special-tokens"], "v0.6.1", str(folder), "out"):
        subprocess.run(step.argv, check=True)
    text = (folder / "preprocessing/1/model.py").read_text(encoding="utf-8")
    assert "from_pretrained(tokenizer_dir, trust_remote_code=True,\n" in text
    assert "        # self.tokenizer.pad_token = self.tokenizer.eos_token\n" in text


def test_a_patch_that_does_not_take_stops_the_plan_and_says_what_was_expected_where_and_why(tmp_path: Path) -> None:
    folder = copies(tmp_path)
    (folder / "preprocessing/1/model.py").write_text("nothing of it\n", encoding="utf-8")
    steps = applied(["keep-special-tokens"], "v0.9.0", str(folder), "")
    with pytest.raises(Trouble, match=r"See that preprocessing/1/model.py is patched: grep ended") as told:
        carry_out(Plan(purpose="patch", release="v0.9.0", steps=steps), tmp_path / "logs")
    assert "'# self.tokenizer.pad_token = self.tokenizer.eos_token'" in told.value.where
    assert told.value.why.startswith("else the file is not the release's own, and ChatGLM's tokenizer has no setter")


def test_a_file_that_an_edit_does_not_change_is_named_with_what_was_looked_for_and_why() -> None:
    said = r"tensorrt_llm_bls/1/model.py cannot be patched for v0.10.0: no line of it is \^import triton"
    with pytest.raises(Trouble, match=said) as told:
        patched({f"{BLS}/1/model.py": "nothing of it\n"}, ALWAYS, "v0.10.0")
    assert "for nobody" in told.value.why


def test_every_release_whose_bls_model_is_asked_is_patched_and_no_other() -> None:
    known = [path.parent.name for path in CONTRACTS.glob("*/placeholders.json")]
    asked = {tag for tag in known if front_of(tag).model == BLS}
    assert asked == {tag for tag in known if all(table()[name].due(tag) for name in ALWAYS)}
    assert {"v0.7.0", "v0.10.0", "v0.19.0"} <= asked


@pytest.mark.parametrize("release", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_a_rehearsals_templates_are_patched_as_upstreams_are(release: str) -> None:
    before = templates(release_of(release))
    made = patched(before, ALWAYS, release)
    changed = {name for name in made if made[name] != before[name]}
    assert changed == {file for name in ALWAYS for file in table()[name].due(release)}
    for name in changed:
        ast.parse(made[name])


def test_where_the_release_guards_the_assignment_nothing_is_patched() -> None:
    """Seed mistake W13: the edit is unnecessary from v0.11.0 on."""
    assert applied(["keep-special-tokens", "load-remote-code"], "v0.11.0", "/repo", "out") == ()
    assert len(applied(["keep-special-tokens", "load-remote-code"], "v0.10.0", "/repo", "out")) == 4


def test_every_patch_a_recipe_names_is_known() -> None:
    assert {patch for name in names() for patch in find(name).patches} <= set(table())
