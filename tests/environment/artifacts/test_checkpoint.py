from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.artifacts.checkpoint import Checkpoint, Model, parse_model, read_checkpoint
from environment.artifacts.heads import Damaged
from environment.unknown import Unknown
from tests.environment.artifacts.safetensors_files import write

QWEN2 = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "eos_token_id": 151643,
}
# zai-org/chatglm3-6b, config.json
CHATGLM3 = {
    "architectures": ["ChatGLMModel"],
    "auto_map": {"AutoConfig": "configuration_chatglm.ChatGLMConfig", "AutoModel": "modeling_chatglm.ChatGLMModel"},
    "model_type": "chatglm",
    "hidden_size": 4096,
    "num_layers": 28,
    "num_attention_heads": 32,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "padded_vocab_size": 65024,
    "seq_length": 8192,
    "eos_token_id": 2,
}


def folder(at: Path, config: object = QWEN2, **files: object) -> Path:
    """A checkpoint with these JSON files (`__` in a name stands for a dot)."""
    at.mkdir(parents=True, exist_ok=True)
    for name, content in {"config__json": config, **files}.items():
        (at / name.replace("__", ".")).write_text(json.dumps(content))
    return at


def sharded(at: Path, count: int = 2) -> Path:
    names = [f"model-{n:05}-of-{count:05}.safetensors" for n in range(1, count + 1)]
    for name in names:
        write(folder(at) / name)
    index = {"weight_map": {f"layer.{n}": name for n, name in enumerate(names)}}
    (at / "model.safetensors.index.json").write_text(json.dumps(index))
    return at


def seen(at: Path) -> Checkpoint:
    found = read_checkpoint(at)
    assert isinstance(found, Checkpoint)
    return found


def test_reads_what_the_model_is() -> None:
    model = parse_model(QWEN2)
    assert (model.architectures, model.heads, model.kv_heads, model.layers) == (("Qwen2ForCausalLM",), 14, 2, 24)
    assert (model.dtype, model.eos_ids, model.max_positions) == ("bfloat16", (151643,), 131072)


def test_reads_the_names_other_families_use() -> None:
    model = parse_model(CHATGLM3)
    assert (model.layers, model.heads, model.kv_heads, model.vocabulary) == (28, 32, 2, 65024)
    assert model.max_positions == 8192
    assert parse_model({"n_head": 12, "n_embd": 768}).kv_heads == 12
    assert parse_model({"num_attention_heads": 71, "multi_query": True, "num_kv_heads": 71}).kv_heads == 1


def test_reads_the_text_part_of_a_multimodal_config() -> None:
    assert parse_model({"model_type": "llava", "text_config": {"hidden_size": 5}}).hidden_size == 5


def test_says_none_for_what_is_not_said() -> None:
    model = parse_model({"hidden_size": "896", "num_attention_heads": -1, "architectures": "Qwen2"})
    assert (model.hidden_size, model.heads, model.architectures) == (None, None, ())


def test_a_whole_sharded_checkpoint(tmp_path: Path) -> None:
    found = seen(sharded(tmp_path))
    assert found.complete
    assert [shard.fault for shard in found.shards] == ["", ""]


def test_a_missing_a_short_and_a_pointer_shard_are_each_named(tmp_path: Path) -> None:
    one, two, three = sorted(sharded(tmp_path, 3).glob("*.safetensors"))
    one.unlink()
    os.truncate(two, two.stat().st_size - 1)
    three.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    found = seen(tmp_path)
    assert not found.complete
    assert found.pointers == (three.name,)
    faults = [shard.fault for shard in found.shards]
    assert faults[0] == "named by the index, not in the folder"
    assert faults[1].endswith(f"its header promises {two.stat().st_size + 1}")
    assert "git-lfs pointer" in faults[2]


def test_an_index_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "secret.safetensors")
    index = {"weight_map": {"a": "../secret.safetensors", "b": "", "c": "/etc/passwd", "d": None}}
    found = seen(folder(tmp_path / "model", model__safetensors__index__json=index))
    assert [shard.size for shard in found.shards] == [None] * 4


def test_pickles_are_listed_and_never_opened(tmp_path: Path) -> None:
    (folder(tmp_path) / "pytorch_model.bin").write_bytes(b"\x80\x04cposix\nsystem\n.")
    (tmp_path / "training_args.bin").touch()
    found = seen(tmp_path)
    assert found.pickles == ("pytorch_model.bin",)
    assert [(shard.name, shard.fault) for shard in found.shards] == [("pytorch_model.bin", "")]
    assert not found.safe


def archive() -> bytes:
    """What torch.save writes since 1.6: a zip archive, stored."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("archive/data.pkl", b"x" * 500)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (archive(), ""),
        (archive()[:-1], "bytes, and not the directory"),
        (archive()[:70], "bytes, and not the directory"),
        (b"", "an empty file"),
        (b"<!DOCTYPE html>", "text, such as a hub's error page"),
    ],
)
def test_a_torch_file_shows_by_its_ends_whether_it_is_whole(tmp_path: Path, data: bytes, fault: str) -> None:
    (folder(tmp_path) / "pytorch_model.bin").write_bytes(data)
    [shard] = seen(tmp_path).shards
    assert (fault in shard.fault) if fault else not shard.fault
    assert seen(tmp_path).complete is not bool(fault)


def test_a_series_without_its_index_still_lacks_what_is_missing(tmp_path: Path) -> None:
    for name in ("model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"):
        write(folder(tmp_path) / name)
    faults = {shard.name: shard.fault for shard in seen(tmp_path).shards if shard.fault}
    assert faults == {"model-00002-of-00003.safetensors": "one of a series, not in the folder"}


def test_weights_in_one_safetensors_file_come_before_an_index_of_pickles(tmp_path: Path) -> None:
    write(folder(tmp_path, pytorch_model__bin__index__json={"weight_map": {"a": "gone.bin"}}) / "model.safetensors")
    assert [shard.name for shard in seen(tmp_path).shards] == ["model.safetensors"]
    assert seen(tmp_path).complete


def test_remote_code_and_its_missing_files(tmp_path: Path) -> None:
    at = folder(tmp_path, CHATGLM3, tokenizer_config__json={"auto_map": {"AutoTokenizer": ["a/b--tok.Slow", None]}})
    (at / "modeling_chatglm.py").touch()
    found = seen(at)
    assert found.remote_code == (
        "a/b--tok.Slow", "configuration_chatglm.ChatGLMConfig", "modeling_chatglm.ChatGLMModel",
    )  # fmt: skip
    assert found.missing_code == ("a/b--tok.Slow", "configuration_chatglm.ChatGLMConfig")


def test_a_hub_snapshot_tells_its_revision_and_unfinished_downloads(tmp_path: Path) -> None:
    at = folder(tmp_path / "models--q" / "snapshots" / ("a" * 40))
    blobs = tmp_path / "models--q" / "blobs"
    blobs.mkdir()
    (blobs / "123.incomplete").touch()
    assert seen(at).revision == "a" * 40
    assert seen(at).incomplete == ("../../blobs/123.incomplete",)


def test_a_local_download_tells_its_revision(tmp_path: Path) -> None:
    notes = folder(tmp_path) / ".cache/huggingface/download"
    notes.mkdir(parents=True)
    (notes / "config.json.metadata").write_text("b" * 40 + "\netag\n0\n")
    assert seen(tmp_path).revision == "b" * 40


def test_what_was_fetched_here_tells_its_revision_too(tmp_path: Path) -> None:
    assert seen(folder(tmp_path, sha256__json={"revision": "c" * 40})).revision == "c" * 40
    assert seen(folder(tmp_path, sha256__json={"revision": "main"})).revision == ""


def test_generation_eos_ids_are_kept_apart(tmp_path: Path) -> None:
    at = folder(tmp_path, generation_config__json={"eos_token_id": [151645, 151643]})
    assert seen(at).generation_eos_ids == (151645, 151643)


def test_what_is_no_checkpoint_is_unknown_or_damaged(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) == Damaged("the folder has no config.json")
    assert isinstance(read_checkpoint(tmp_path / "absent"), Unknown)
    assert isinstance(read_checkpoint(folder(tmp_path, [])), Damaged)
    converted = read_checkpoint(folder(tmp_path, {"architecture": "QWenForCausalLM", "dtype": "float16"}))
    assert isinstance(converted, Damaged)
    assert "TensorRT-LLM checkpoint" in converted.reason
    assert isinstance(read_checkpoint(folder(tmp_path, model__safetensors__index__json={})), Damaged)


@pytest.mark.timeout(60)
def test_fifos_in_place_of_files_are_not_waited_for(tmp_path: Path) -> None:
    folder(tmp_path, model__safetensors__index__json={"weight_map": {"a": "x.safetensors"}})
    for name in ("x.safetensors", "generation_config.json", "tokenizer_config.json"):
        os.mkfifo(tmp_path / name)
    assert seen(tmp_path).shards[0].fault == "x.safetensors is not a regular file"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from([*QWEN2, *CHATGLM3, "text_config", "quantization_config"]), json_values))
def test_any_config_gets_an_answer(config: dict[str, object]) -> None:
    assert isinstance(parse_model(config), Model)
