from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.artifacts.engine import Engine, Limits, parse_limits, parse_mapping, parse_model, read_engine
from environment.artifacts.heads import Damaged
from environment.artifacts.tensorrt_plan import Plan
from environment.unknown import Unknown
from tests.environment.artifacts.engine_folders import CHECKPOINT, NEW, OLD, checkpoint, engine
from tests.environment.artifacts.test_checkpoint import json_values
from tests.environment.artifacts.test_tensorrt_plan import counted

PARTS = ["pretrained_config", "build_config", "builder_config", "plugin_config", "quantization", "mapping"]
KEYS = [*NEW, *OLD, *NEW["pretrained_config"], *NEW["build_config"], *OLD["builder_config"], "tp_size", "world_size"]


def seen(folder: Path) -> Engine:
    found = read_engine(folder)
    assert isinstance(found, Engine)
    return found


def test_reads_an_engine_of_today(tmp_path: Path) -> None:
    found = seen(engine(tmp_path))
    assert (found.kind, found.version, found.model.architecture) == ("engine", "0.10.0", "QWenForCausalLM")
    assert (found.model.dtype, found.model.quantization, found.model.kv_heads) == ("float16", "FP8", 2)
    assert (found.mapped.tensor_parallel, found.mapped.world_size) == (2, 2)
    assert (found.limits.max_batch_size, found.longest_sequence) == (8, 4096)
    assert (found.plugin("paged_kv_cache"), found.plugin("lora_plugin")) == (True, None)
    assert found.complete
    assert all(isinstance(rank.head, Plan) and rank.head.compute == (9, 0) for rank in found.ranks)


def test_reads_an_engine_from_before_version_numbers(tmp_path: Path) -> None:
    found = seen(engine(tmp_path, OLD, ("chatglm3_6b_float16_tp1_pp2_rank0", "chatglm3_6b_float16_tp1_pp2_rank1")))
    assert (found.version, found.model.architecture, found.model.dtype) == ("", "chatglm3_6b", "float16")
    assert (found.mapped.pipeline_parallel, found.mapped.world_size) == (2, 2)
    assert (found.limits.max_output_len, found.longest_sequence) == (1024, 2048)
    assert found.plugin("paged_kv_cache") is False
    assert found.complete


def test_reads_a_tensorrt_llm_checkpoint(tmp_path: Path) -> None:
    found = seen(checkpoint(tmp_path))
    assert (found.kind, found.mapped.world_size, found.limits) == ("checkpoint", 2, Limits())
    assert found.complete


def test_later_releases_count_sequences_and_context_parallelism() -> None:
    mapping = {"tp_size": 2, "pp_size": 2, "cp_size": 2}
    assert parse_mapping({"pretrained_config": {"mapping": mapping}}).world_size == 8
    assert parse_limits({"build_config": {"max_seq_len": 4096, "max_batch_size": 2048}}).max_seq_len == 4096


def test_missing_extra_and_broken_ranks_show(tmp_path: Path) -> None:
    found = seen(engine(tmp_path / "missing", ranks=("rank0",)))
    assert (found.missing, found.complete) == ((1,), False)
    found = seen(engine(tmp_path / "extra", ranks=("rank0", "rank1", "rank2")))
    assert (found.extra, found.complete) == (("rank2.engine",), False)
    broken = engine(tmp_path / "broken")
    os.truncate(broken / "rank1.engine", 9000)
    assert [rank.complete for rank in seen(broken).ranks] == [True, False]
    os.truncate(broken / "rank1.engine", 0)
    assert isinstance(seen(broken).ranks[1].head, Unknown)


def test_what_is_no_engine(tmp_path: Path) -> None:
    assert read_engine(tmp_path) == Damaged("the folder has no config.json")
    assert isinstance(read_engine(tmp_path / "absent"), Unknown)
    assert isinstance(read_engine(engine(tmp_path / "a", {"model_type": "qwen2"}, ())), Unknown)
    (tmp_path / "config.json").write_text("{")
    assert isinstance(read_engine(tmp_path), Damaged)


def test_a_config_that_asks_for_a_million_ranks_is_refused(tmp_path: Path) -> None:
    many = {**CHECKPOINT, "mapping": {"tp_size": 1 << 20}}
    assert isinstance(read_engine(engine(tmp_path, many, ())), Damaged)


def test_sparse_18_gb_ranks_cost_less_than_a_megabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = {"world_size": 8, "tp_size": 8, "pp_size": 1}
    config: dict[str, Any] = {**NEW, "pretrained_config": {**NEW["pretrained_config"], "mapping": mapping}}
    folder = engine(tmp_path, config, tuple(f"rank{number}" for number in range(8)))
    for path in folder.glob("*.engine"):
        os.truncate(path, 18 << 30)
    taken = counted(monkeypatch)
    assert [rank.complete for rank in seen(folder).ranks] == [False] * 8
    assert 8 * 1024 < sum(taken) < 1 << 20


@pytest.mark.timeout(60)
def test_fifos_are_not_waited_for(tmp_path: Path) -> None:
    folder = engine(tmp_path, ranks=())
    os.mkfifo(folder / "rank0.engine")
    (folder / "rank1.engine").symlink_to("nowhere")
    assert all(isinstance(rank.head, Unknown) for rank in seen(folder).ranks)


inner = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4)
outer = st.dictionaries(st.sampled_from([*PARTS, *KEYS]), inner | json_values, max_size=4)


@given(st.dictionaries(st.sampled_from([*PARTS, *KEYS]), outer | inner | json_values, max_size=6))
def test_any_config_gets_an_answer(config: dict[str, object]) -> None:
    assert parse_mapping(config).world_size >= 1
    assert isinstance(parse_model(config).architecture, str)
    assert parse_limits(config).max_batch_size != 0
