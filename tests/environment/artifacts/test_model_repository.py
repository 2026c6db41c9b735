from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environment.artifacts.heads import Damaged
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, read_model, read_model_repository, unfilled
from environment.unknown import Unknown
from tests.environment.artifacts.repository_folders import ENSEMBLE, UNFILLED, model, repository


def seen(folder: Path) -> ModelRepository:
    found = read_model_repository(folder)
    assert isinstance(found, ModelRepository)
    return found


def test_reads_the_models_and_leaves_optional_placeholders_alone(tmp_path: Path) -> None:
    found = seen(repository(tmp_path))
    assert [each.folder for each in found.models] == ["ensemble", "preprocessing", "tensorrt_llm"]
    assert found.complete
    engine = found.model("tensorrt_llm")
    assert engine is not None
    assert isinstance(engine.config, Config)
    assert engine.config.parameter("gpt_model_path") == "/engines/qwen2"
    assert [name for name, _ in engine.unfilled] == ["max_beam_width"]
    assert engine.needed == ()
    python = found.model("preprocessing")
    assert python is not None
    assert python.code.startswith("class TritonPythonModel")
    assert found.model("nobody") is None


def test_placeholders_that_matter_are_told_from_the_others(tmp_path: Path) -> None:
    found = read_model(model(tmp_path, "tensorrt_llm", UNFILLED))
    assert "commented_out" not in dict(found.unfilled)
    assert {name for name, _ in found.needed} == {
        "triton_backend", "triton_max_batch_size", "decoupled_mode", "max_queue_delay_microseconds", "engine_dir",
    }  # fmt: skip
    assert isinstance(found.config, Config), "the rest is read nevertheless"
    assert (found.config.name, found.config.parameter("gpt_model_path")) == ("tensorrt_llm", "${engine_dir}")


def test_unfilled_placeholders_come_with_their_line() -> None:
    assert unfilled("a: 1\n  b: ${c}\n") == (("c", "b: ${c}"),)


def test_folders_that_are_no_models_and_versions_that_are_no_numbers(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "leftover").mkdir()
    (tmp_path / "bare" / "1").mkdir(parents=True)
    model(tmp_path, "later", "", version="v1")
    found = seen(tmp_path)
    assert (found.others, found.bare) == (("leftover",), ("bare",))
    later = found.model("later")
    assert later is not None
    assert later.versions == ()
    assert not found.complete


@pytest.mark.timeout(60)
def test_bad_configs_are_answers(tmp_path: Path) -> None:
    model(tmp_path, "binary", b"\xff\xfe\x00")
    model(tmp_path, "syntax", "name: [")
    os.mkfifo(model(tmp_path, "code", "") / "1" / "model.py")
    huge = model(tmp_path, "huge", "") / "config.pbtxt"
    os.truncate(huge, 1 << 34)
    found = {each.folder: each.config for each in seen(tmp_path).models}
    assert isinstance(found["binary"], Damaged)
    assert isinstance(found["syntax"], Damaged)
    assert isinstance(found["huge"], Unknown)
    assert isinstance(found["code"], Config)


def test_what_is_no_repository(tmp_path: Path) -> None:
    assert isinstance(read_model_repository(tmp_path), Unknown)
    assert isinstance(read_model_repository(tmp_path / "absent"), Unknown)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(config=st.binary(max_size=99) | st.text(alphabet="${}: a\n", max_size=99).map(str.encode))
def test_any_config_gets_an_answer(tmp_path: Path, config: bytes) -> None:
    assert isinstance(read_model(model(tmp_path, "m", config)).config, Config | Damaged)


def test_a_python_model_without_code_and_a_step_that_leads_nowhere_are_named(tmp_path: Path) -> None:
    at = repository(tmp_path)
    (at / "preprocessing" / "1" / "model.py").unlink()
    (at / "ensemble" / "config.pbtxt").write_text(ENSEMBLE.replace('"tensorrt_llm"', '"tensorrt_lm"'))
    found = read_model_repository(at)
    assert isinstance(found, ModelRepository)
    assert [model.folder for model in found.models if model.uncoded] == ["preprocessing"]
    assert found.lost == (("ensemble", "tensorrt_lm"),)
    assert not found.complete
