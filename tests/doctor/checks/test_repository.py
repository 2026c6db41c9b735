"""What the checks of family R say, case by case."""

from __future__ import annotations

from msgspec.structs import replace

from doctor.checks.repository import unfilled
from doctor.facts.host import Process
from environment.artifacts.engine import Limits
from environment.artifacts.heads import Damaged
from environment.artifacts.model_repository import ModelRepository
from tests.doctor.artifacts import config, model, parameters, repository, served
from tests.doctor.well import NOT_READ, WELL, case, changed

UNREAD = {"artifacts__repository": NOT_READ}


def with_model(name: str, **fields: object) -> dict[str, object]:
    return {"artifacts__repository": repository(model(name, **fields))}


def left(name: str, folder: str = "tensorrt_llm") -> dict[str, object]:
    return with_model(folder, unfilled=((name, f'string_value: "${{{name}}}"'),))


def triton(*argv: str) -> Process:
    return Process(pid=7, name="tritonserver", argv=("tritonserver", *argv))


def both_left() -> ModelRepository:
    """What the model needs to load, and what it needs to be called."""
    loading = model("tensorrt_llm", unfilled=(("triton_backend", 'backend: "${triton_backend}"'),))
    called = (("tensorrt_llm_model_name", 'string_value: "${tensorrt_llm_model_name}"'),)
    return repository(loading, model("tensorrt_llm_bls", unfilled=called))


def stepping(*steps: str) -> dict[str, object]:
    return with_model("ensemble", config=config("ensemble", steps=steps))


CASES = [
    case("R001", "pass"),
    case("R001", "note", artifacts__repository=repository(others=("leftover",))),
    case("R001", "fail-config", artifacts__repository=replace(repository(), bare=("postprocessing",))),
    case("R001", "fail", **with_model("ensemble", versions=())),
    case("R001", "fail-code", **with_model("preprocessing", config=config("preprocessing", backend="python"))),
    case("R001", "fail-none", artifacts__repository=Damaged("no folder in it holds a config.pbtxt")),
    case("R001", "skip", artifacts__repository=None),
    case("R001", "unknown", **UNREAD),
    case("R002", "pass"),
    case("R002", "fail", **with_model("ensemble", config=config("other"))),
    case("R002", "unknown", **UNREAD),
    case("R003", "pass"),
    case(
        "R003",
        "note",
        **left("sink_token_length"),
    ),
    case(
        "R003",
        "fail",
        **left("batching_strategy"),
    ),
    case("R003", "fail", artifacts__repository=both_left()),
    case("R003", "warn", **left("tensorrt_llm_model_name", "tensorrt_llm_bls")),
    case("R003", "note", **left("tensorrt_llm_draft_model_name", "tensorrt_llm_bls")),
    case("R003", "fail", **with_model("tensorrt_llm", unfilled=(("decoupled_mode", "decoupled: ${decoupled_mode}"),))),
    case(
        "R003",
        "fail",
        **left("engine_dir"),
        artifacts__placeholders=NOT_READ,
    ),
    case("R003", "unknown", **UNREAD),
    case("R004", "pass"),
    case("R004", "warn", artifacts__repository=served(parameters=parameters(max_attention_windowsize="2560"))),
    case("R004", "pass", artifacts__repository=served(parameters=parameters(executor_worker_path="/x"))),
    case("R004", "unknown", artifacts__placeholders=NOT_READ),
    case("R005", "pass"),
    case("R005", "note", artifacts__repository=served(parameters=parameters(gpu_device_ids="0,1"))),
    case("R005", "pass", artifacts__repository=served(parameters=parameters(medusa_choices="${medusa_choices}"))),
    case("R005", "fail", artifacts__repository=served(parameters=parameters(medusa_choices="[[0"))),
    case("R005", "unknown", **UNREAD),
    case("R006", "pass"),
    case("R006", "fail", artifacts__repository=served(decoupled=False)),
    case(
        "R006",
        "note",
        artifacts__repository=repository(
            model("tensorrt_llm", config=config("tensorrt_llm")),
            model("tensorrt_llm_bls", config=config("tensorrt_llm_bls")),
        ),
    ),
    case("R006", "unknown", **UNREAD),
    case("R007", "pass"),
    case("R007", "warn", artifacts__repository=served(max_batch_size=4)),
    case("R007", "unknown", **UNREAD),
    case("R008", "pass"),
    case("R008", "warn", artifacts__paths={"/engines/qwen2": False}),
    case("R008", "unknown", **UNREAD),
    case("R009", "pass"),
    case("R009", "note", **with_model("tensorrt_llm_bls", config=config("tensorrt_llm_bls", instances=1))),
    case("R009", "skip", artifacts__engine__limits=Limits()),
    case("R009", "unknown", artifacts__engine=NOT_READ),
    case("R010", "pass"),
    case("R010", "pass", host__servers=(triton("--model-control-mode=none"), triton("--model-control-mode"))),
    case("R010", "note", host__servers=(triton("--model-control-mode=explicit"),)),
    case("R010", "warn", host__servers=(triton("--model-control-mode", "poll"),)),
    case("R010", "unknown", host__servers=NOT_READ),
    case("R011", "pass"),
    case("R011", "fail", **with_model("ensemble", config=Damaged("config.pbtxt is no ModelConfig: 2:1"))),
    case("R011", "unknown", **with_model("ensemble", config=NOT_READ)),
    case("R012", "pass", **stepping("preprocessing", "tensorrt_llm")),
    case("R012", "fail", **stepping("preprocessing", "tensorrt_lm")),
    case("R012", "pass", **stepping("${model}")),
    case("R012", "skip"),
    case("R012", "unknown", **UNREAD),
    case("R013", "pass", artifacts__repository=served(parameters=(("gpt_model_type", "inflight_batching"),))),
    case("R013", "fail", artifacts__repository=served(parameters=(("gpt_model_type", "inflght_batching"),))),
    case("R013", "skip", artifacts__repository=served(parameters=(("gpt_model_type", "${batching_strategy}"),))),
    case("R013", "skip", artifacts__repository=served(parameters=())),
    case("R013", "unknown", **UNREAD),
]


def test_what_is_needed_to_load_and_to_be_called_is_told_at_once() -> None:
    needed = unfilled(changed(WELL, {"artifacts__repository": both_left()})).data["needed"]
    assert needed == ["tensorrt_llm (triton_backend)", "tensorrt_llm_bls (tensorrt_llm_model_name)"]
