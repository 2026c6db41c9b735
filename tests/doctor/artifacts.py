"""An engine, a checkpoint and a model repository in the best of health, as values: a Qwen2 built for one H100."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from doctor.facts.artifacts import Artifacts
from doctor.template_code import released
from environment.artifacts.checkpoint import Checkpoint, parse_model
from environment.artifacts.digests import Digest
from environment.artifacts.engine import Engine, Limits, Mapped, Model, Rank
from environment.artifacts.model_config import Config
from environment.artifacts.model_repository import ModelRepository, RepositoryModel
from environment.artifacts.plan_container import Archive
from environment.artifacts.plan_stream import Fault, Stream
from environment.artifacts.tensorrt_plan import Plan
from environment.artifacts.tokenizer import Tokenizer, TokenizerCode
from environment.artifacts.weight_files import Shard
from environment.contracts import placeholders

QWEN2 = {
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "eos_token_id": 151645,
}


def plan(
    tensorrt: tuple[int, ...] = (10, 0, 1, 6), compute: tuple[int, int] = (9, 0), fault: Fault | None = None
) -> Plan:
    device = {"compute_major": compute[0], "compute_minor": compute[1], "sm_count": 132, "hardware_level": 0}
    return Plan(
        container="ftrt",
        file_size=1 << 30,
        expected_size=1 << 30,
        archive=Archive(serialization=237),
        stream=Stream(tensorrt=tensorrt, layout="10.0", device=device),
        fault=fault,
    )


def rank(number: int, head: Any = None) -> Rank:
    return Rank(name=f"rank{number}.engine", number=number, head=head or plan())


def config(name: str, **fields: Any) -> Config:
    return replace(Config(name=name, max_batch_size=8), **fields)


def parameters(**more: str) -> tuple[tuple[str, str], ...]:
    said = {"gpt_model_path": "/engines/qwen2", "batching_strategy": "inflight_fused_batching", "max_beam_width": "1"}
    return tuple(sorted({**said, **more}.items()))


def model(name: str, **fields: Any) -> RepositoryModel:
    return replace(RepositoryModel(folder=name, versions=(1,), version_files=(), config=config(name)), **fields)


def repository(*models: RepositoryModel, others: tuple[str, ...] = ()) -> ModelRepository:
    known = {each.folder: each for each in (*WELL_MODELS, *models)}
    return ModelRepository(models=tuple(known.values()), others=others)


def served(**fields: Any) -> ModelRepository:
    """A repository whose tensorrt_llm is configured otherwise."""
    said = {"decoupled": True, "backend": "tensorrtllm", "parameters": parameters(), **fields}
    return repository(model("tensorrt_llm", config=config("tensorrt_llm", **said)))


WELL_MODELS = (
    model("preprocessing"),
    model(
        "tensorrt_llm", config=config("tensorrt_llm", decoupled=True, backend="tensorrtllm", parameters=parameters())
    ),
    model("tensorrt_llm_bls", config=config("tensorrt_llm_bls", decoupled=True, instances=8)),
    model("ensemble", config=config("ensemble", platform="ensemble")),
)
CHATGLM_CODE = TokenizerCode(read_only=frozenset({"pad_token", "eos_token"}))
WELL_ENGINE = Engine(
    kind="engine",
    version="0.10.0",
    model=Model(
        architecture="QWenForCausalLM",
        dtype="float16",
        quantization="",
        kv_cache_quantization="",
        heads=14,
        kv_heads=2,
        layers=24,
        hidden_size=896,
        vocabulary=151936,
    ),
    mapped=Mapped(),
    limits=Limits(max_batch_size=8, max_beam_width=1, max_input_len=3072, max_output_len=1024),
    plugins={"gpt_attention_plugin": "float16", "paged_kv_cache": True, "remove_input_padding": True},
    ranks=(rank(0),),
    missing=(),
    extra=(),
)
WELL_ARTIFACTS = Artifacts(
    engine=WELL_ENGINE,
    writable=(),
    checkpoint=Checkpoint(
        model=parse_model(QWEN2),
        shards=(Shard(name="model.safetensors", size=10**9, expected_size=10**9),),
        pickles=(),
        pointers=(),
        incomplete=(),
        remote_code=(),
        missing_code=(),
        generation_eos_ids=(151645,),
        revision="",
        files=("config.json", "model.safetensors"),
    ),
    tokenizer=Tokenizer(
        tokenizer_class="Qwen2Tokenizer",
        special_tokens={"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        chat_template="",
        vocabularies=("tokenizer.json",),
        remote_code=(),
        missing_code=(),
        files=("tokenizer.json",),
        code=TokenizerCode(),
    ),
    digests=(Digest(name="model.safetensors", recorded="a" * 64, actual="a" * 64),),
    repository=ModelRepository(models=WELL_MODELS, others=()),
    paths={"/engines/qwen2": True},
    template=released("v0.10.0"),
    placeholders=placeholders("v0.10.0"),
)
