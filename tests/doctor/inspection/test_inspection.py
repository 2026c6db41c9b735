from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from doctor.inspection import answer, text
from doctor.inspection.answer import Inspection
from doctor.inspection.look import existing, inspect
from doctor.inspection.target import probed, target, tensorrt_of
from doctor.verdict import Target
from environment.errors import ExitCode, Usage
from environment.unknown import Unknown
from tests.doctor.plans import LFS_POINTER, plan
from tests.doctor.well import WELL, changed
from tests.environment.artifacts import engine_folders, repository_folders
from tests.environment.artifacts.safetensors_files import write
from tests.environment.artifacts.test_checkpoint import CHATGLM3, folder, sharded

HERE = Target(tensorrt=(8, 6, 0, 12), compute=(9, 0))


def seen(path: Path, whom: Target = HERE) -> Inspection:
    found = inspect(path, whom)
    row = json.loads(json.dumps(answer.document([found])))["artifacts"][0]
    assert {"path", "kind", "tensorrt", "compute", "complete", "verdict"} <= set(row)
    assert text.told([found], whom)
    return found


def state(found: Inspection) -> str:
    return found.verdict.state if found.verdict else ""


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_whole_plan_loads(tmp_path: Path) -> None:
    found = seen(put(tmp_path / "a.plan", plan("8.6.0.12")))
    assert (found.tensorrt, found.compute, found.complete, state(found)) == ("8.6.0.12", "9.0", True, "loads")
    assert found.code == ExitCode.OK


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (plan("8.6.0.12")[:-1], "corrupt"),
        (plan("8.6.0.12") + b"\0", "corrupt"),
        (plan("8.5.3.1"), "not-an-engine"),
        (LFS_POINTER, "not-an-engine"),
        (b"text" * 99, "not-an-engine"),
        (b"", "corrupt"),
    ],
)
def test_what_will_not_load_fails(tmp_path: Path, content: bytes, expected: str) -> None:
    found = seen(put(tmp_path / "a.plan", content))
    assert state(found) == expected
    assert found.code == ExitCode.FAILURE


def test_without_a_target_a_whole_plan_is_undetermined(tmp_path: Path) -> None:
    found = seen(put(tmp_path / "a.plan", plan("8.6.0.12")), Target())
    assert (state(found), found.code) == ("unknown", ExitCode.UNKNOWN)
    assert "--for-tensorrt" in text.told([found], Target())


def test_an_ultralytics_export_is_refused_as_it_is_and_its_plan_judged_beside(tmp_path: Path) -> None:
    content = struct.pack("<I", 2) + b"{}" + plan("8.6.0.12")
    found = seen(put(tmp_path / "yolo.engine", content))
    assert (found.kind, found.tensorrt, found.complete) == ("ultralytics-engine", "8.6.0.12", True)
    assert state(found) == "not-an-engine"
    assert found.notes == ("the plan begins after 6 bytes, which Ultralytics strips; alone it: loads",)


def test_an_engine_folder_is_as_good_as_its_worst_rank(tmp_path: Path) -> None:
    folder_ = engine_folders.engine(tmp_path / "good")
    found = seen(folder_)
    assert (found.complete, found.tensorrt, found.facts["tp"], state(found)) == (True, "8.6.0.12", 2, "loads")
    os.truncate(folder_ / "rank1.engine", 9000)
    found = seen(folder_)
    assert (state(found), found.code) == ("corrupt", ExitCode.FAILURE)
    assert found.faults == ("rank1.engine has 9000 bytes, its header promises 22396",)
    found = seen(engine_folders.engine(tmp_path / "short", ranks=("rank0",)))
    assert found.faults == ("rank 1 of 2 (tp 2 x pp 1) is missing",)
    assert found.code == ExitCode.FAILURE
    (folder_ / "rank1.engine").write_bytes(plan("8.5.3.1"))
    assert seen(folder_).tensorrt is None, "two versions are not one"


def test_a_tensorrt_llm_checkpoint_has_no_verdict(tmp_path: Path) -> None:
    found = seen(engine_folders.checkpoint(tmp_path))
    assert (found.kind, found.verdict, found.code) == ("tensorrt-llm-checkpoint", None, ExitCode.OK)


def test_checkpoints(tmp_path: Path) -> None:
    assert seen(sharded(tmp_path / "good")).code == ExitCode.OK
    pickled = folder(tmp_path / "pickled", CHATGLM3)
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    found = seen(pickled)
    assert found.code == ExitCode.OK
    assert "pickles" in found.notes[0]
    assert "trust_remote_code" in found.notes[1]
    assert seen(folder(tmp_path / "bare")).faults == ("it holds no weights",)
    broken = sharded(tmp_path / "broken")
    (broken / "model-00001-of-00002.safetensors").write_bytes(LFS_POINTER)
    assert "git-lfs pointer" in seen(broken).faults[0]
    assert len(seen(broken).faults) == 1


def test_tokenizers_and_single_weight_files(tmp_path: Path) -> None:
    config = {"auto_map": {"AutoTokenizer": ["tokenization_chatglm.ChatGLMTokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert seen(tmp_path).code == ExitCode.FAILURE
    assert seen(write(tmp_path / "m.safetensors")).code == ExitCode.OK
    assert seen(write(tmp_path / "m.safetensors", data=11)).code == ExitCode.FAILURE


def test_code_that_a_checkpoint_names_and_does_not_have_is_told(tmp_path: Path) -> None:
    config = json.loads((sharded(tmp_path) / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling_x.X"}}))
    assert "modeling_x.X is named, its file is not here" in seen(tmp_path).notes
    (tmp_path / "modeling_x.py").touch()
    assert "modeling_x.X is named, its file is not here" not in seen(tmp_path).notes


def test_model_repositories(tmp_path: Path) -> None:
    assert seen(repository_folders.repository(tmp_path / "good")).code == ExitCode.OK
    repository_folders.model(tmp_path / "bad", "tensorrt_llm", repository_folders.UNFILLED)
    repository_folders.model(tmp_path / "bad", "renamed", 'name: "other"', version="x")
    found = seen(tmp_path / "bad")
    assert found.code == ExitCode.FAILURE
    assert "renamed: no version folder (a number)" in found.faults
    assert "renamed: its config.pbtxt says name: 'other'" in found.faults
    assert 'tensorrt_llm: ${triton_backend} was never filled (backend: "${triton_backend}")' in found.faults


def test_what_nobody_knows_is_undetermined(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert seen(tmp_path / "fifo").code == ExitCode.UNKNOWN
    (tmp_path / "folder").mkdir()
    assert seen(tmp_path / "folder").code == ExitCode.UNKNOWN


def test_the_worst_path_decides_the_exit_code(tmp_path: Path) -> None:
    good = seen(put(tmp_path / "a.plan", plan("8.6.0.12")))
    bad = seen(put(tmp_path / "b.plan", b"no"))
    open_ = seen(put(tmp_path / "c.plan", plan("8.6.0.12")), Target())
    assert answer.exit_code([good]) == ExitCode.OK
    assert answer.exit_code([good, open_]) == ExitCode.UNKNOWN
    assert answer.exit_code([good, open_, bad]) == ExitCode.FAILURE


def test_paths_that_are_not_there_are_a_slip_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="does not exist"):
        existing([str(tmp_path / "nothing")])
    with pytest.raises(Usage, match="no file or folder"):
        existing([])


def test_the_target_is_what_was_named() -> None:
    assert target("10.0.1.6", "8.9") == Target(tensorrt=(10, 0, 1, 6), compute=(8, 9))
    assert target("", "8.9", "nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3").tensorrt == (10, 0, 1, 6)
    for words in (("10.0", "9.0", ""), ("8.6.0.12", "9", ""), ("x" * 99, "9.0", "")):
        with pytest.raises(Usage):
            target(*words)


def test_an_image_tells_its_tensorrt_in_four_numbers() -> None:
    assert tensorrt_of("nvcr.io/nvidia/tritonserver:24.06-trtllm-python-py3") == "10.0.1.6"


def test_an_image_of_ones_own_is_looked_into() -> None:
    assert probed(WELL.image) == "10.0.1.6"
    assert isinstance(probed(None), Unknown)
    assert isinstance(probed(changed(WELL.image, {"probe": Unknown("it is not here")})), Unknown)
    assert isinstance(probed(changed(WELL.image, {"probe__tensorrt_headers": {}})), Unknown)


def test_hostile_names_and_words_reach_neither_terminal_nor_json(tmp_path: Path) -> None:
    at = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\xff"))
    folder(at, {"architectures": ["\x1b]0;gotcha\x07", "\u202eevil"], "model_type": "qwen2"})
    Path(os.fsdecode(os.fsencode(at) + b"/\xfe.bin")).touch()
    found = seen(at)
    told = text.told([found], HERE)
    assert found.kind == "huggingface-checkpoint"
    assert all(character.isprintable() or character == "\n" for character in told)
    json.dumps(answer.document([found]), ensure_ascii=False).encode("utf-8")
