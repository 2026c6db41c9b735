"""Writes TensorRT-LLM engine folders: config.json in both shapes, and ranks that are real plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.doctor.plans import plan
from tests.environment.artifacts.safetensors_files import write

# The shape of trtllm-build v0.10.0 (tensorrt_llm/builder.py, EngineConfig.to_dict), as far as it is read.
NEW: dict[str, Any] = {
    "version": "0.10.0",
    "pretrained_config": {
        "architecture": "QWenForCausalLM",
        "dtype": "float16",
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "hidden_size": 896,
        "vocab_size": 151936,
        "mapping": {"world_size": 2, "tp_size": 2, "pp_size": 1},
        "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"},
    },
    "build_config": {
        "max_input_len": 3072,
        "max_output_len": 1024,
        "max_batch_size": 8,
        "max_beam_width": 1,
        "max_num_tokens": None,
        "plugin_config": {"gpt_attention_plugin": "float16", "paged_kv_cache": True, "remove_input_padding": True},
    },
}
# The shape of examples/chatglm/build.py v0.7.1 (tensorrt_llm/builder.py, Builder.create_builder_config).
OLD: dict[str, Any] = {
    "builder_config": {
        "name": "chatglm3_6b",
        "precision": "float16",
        "tensor_parallel": 1,
        "pipeline_parallel": 2,
        "num_layers": 28,
        "num_heads": 32,
        "num_kv_heads": 2,
        "hidden_size": 4096,
        "vocab_size": 65024,
        "max_batch_size": 8,
        "max_input_len": 1024,
        "max_output_len": 1024,
        "int8": False,
    },
    "plugin_config": {"gpt_attention_plugin": "float16", "paged_kv_cache": False, "remove_input_padding": False},
}
CHECKPOINT: dict[str, Any] = {
    "architecture": "QWenForCausalLM",
    "dtype": "float16",
    "num_attention_heads": 14,
    "mapping": {"world_size": 2, "tp_size": 2, "pp_size": 1},
    "quantization": {"quant_algo": None},
}


def engine(folder: Path, config: dict[str, Any] = NEW, ranks: tuple[str, ...] = ("rank0", "rank1")) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ranks:
        (folder / f"{name}.engine").write_bytes(plan("8.6.0.12"))
    return folder


def checkpoint(folder: Path, ranks: int = 2) -> Path:
    engine(folder, CHECKPOINT, ())
    for number in range(ranks):
        write(folder / f"rank{number}.safetensors")
    return folder
