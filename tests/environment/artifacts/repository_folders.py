"""Writes small Triton model repositories in the shape of tensorrtllm_backend's templates."""

from __future__ import annotations

from pathlib import Path

PREPROCESSING = """name: "preprocessing"
backend: "python"
max_batch_size: 8
parameters { key: "tokenizer_dir" value: { string_value: "/models/qwen2" } }
instance_group [ { count: 1 kind: KIND_CPU } ]
"""
TENSORRT_LLM = """name: "tensorrt_llm"
backend: "tensorrtllm"
max_batch_size: 8
model_transaction_policy { decoupled: true }
parameters: { key: "gpt_model_path" value: { string_value: "/engines/qwen2" } }
parameters: { key: "max_beam_width" value: { string_value: "${max_beam_width}" } }
"""
ENSEMBLE = """name: "ensemble"
platform: "ensemble"
max_batch_size: 8
ensemble_scheduling { step [ { model_name: "preprocessing" model_version: -1 }, { model_name: "tensorrt_llm" } ] }
"""
# all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt at v0.10.0 leaves these for the person to fill.
UNFILLED = """name: "tensorrt_llm"
backend: "${triton_backend}"
max_batch_size: ${triton_max_batch_size}
model_transaction_policy {
  decoupled: ${decoupled_mode}
}
dynamic_batching {
    preferred_batch_size: [ ${triton_max_batch_size} ]
    max_queue_delay_microseconds: ${max_queue_delay_microseconds}
}
parameters: {
  key: "gpt_model_path"
  value: {
    string_value: "${engine_dir}"
  }
}
parameters: { key: "max_beam_width" value: { string_value: "${max_beam_width}" } }
# ${commented_out}
"""


def model(repository: Path, name: str, config: str | bytes, version: str = "1", **files: str) -> Path:
    folder = repository / name
    (folder / version).mkdir(parents=True, exist_ok=True)
    (folder / "config.pbtxt").write_bytes(config if isinstance(config, bytes) else config.encode())
    for file, text in files.items():
        (folder / version / file.replace("__", ".")).write_text(text)
    return folder


def repository(at: Path) -> Path:
    model(at, "preprocessing", PREPROCESSING, model__py="class TritonPythonModel: ...\n")
    model(at, "tensorrt_llm", TENSORRT_LLM)
    model(at, "ensemble", ENSEMBLE)
    return at
