"""What the checks of family E say, case by case."""

from __future__ import annotations

from msgspec.structs import replace

from environment.artifacts.engine import Limits, Mapped
from environment.artifacts.heads import Damaged
from environment.artifacts.plan_stream import Fault
from environment.unknown import Unknown
from tests.doctor.artifacts import model, parameters, plan, rank, repository, served
from tests.doctor.well import NOT_READ, case, gpu

UNREAD = {"artifacts__engine": NOT_READ}
CUT = plan(fault=Fault(stage="container", message="plan->header.size == blobSize failed."))
OTHER_LAYOUT = (rank(0, Unknown("begins like no TensorRT plan")),)
AGAINST_REPOSITORY = ("E007", "E008", "E009", "E010", "E011")
BROKEN = (  # R003 and R011 say so; the third has no such model
    repository(model("tensorrt_llm", unfilled=(("decoupled_mode", "decoupled: ${decoupled_mode}"),))),
    repository(model("tensorrt_llm", config=Damaged("1:1 : expected a field"))),
    replace(repository(), models=(model("preprocessing"),)),
)

CASES = [
    case("E001", "pass"),
    case("E001", "fail", artifacts__engine__missing=(1,)),
    case("E001", "fail-extra", artifacts__engine__extra=("rank2.engine",)),
    case("E001", "fail-damaged", artifacts__engine=Damaged("config.json is not valid JSON")),
    case("E001", "skip", artifacts__engine=None),
    case("E001", "unknown", **UNREAD),
    case("E002", "pass"),
    case("E002", "fail", artifacts__engine__ranks=(rank(0), rank(1, CUT))),
    case("E002", "fail", artifacts__engine__ranks=OTHER_LAYOUT),
    case("E002", "unknown", **UNREAD),
    case("E003", "pass"),
    case("E003", "fail", artifacts__engine__version="0.10.0.dev2024043000"),
    case("E003", "fail", image=None, artifacts__engine__version="0.9.0"),
    case("E003", "pass", image=None),
    case("E003", "skip", artifacts__engine__version=""),
    case("E003", "unknown", image__probe__packages={}),
    case("E004", "pass"),
    case("E004", "fail", artifacts__engine__ranks=(rank(0), rank(1, plan((9, 3, 0, 1))))),
    case("E004", "fail", image=None, artifacts__engine__ranks=(rank(0, plan((10, 0, 1, 5))),)),
    case("E004", "unknown", image__probe__tensorrt_headers={}),
    case("E004", "unknown", artifacts__engine__ranks=OTHER_LAYOUT),
    case("E005", "pass"),
    case("E005", "fail", artifacts__engine__ranks=(rank(0, plan(compute=(8, 9))),)),
    case("E005", "fail", gpus__devices=(gpu(0), gpu(1, compute=(8, 0)))),
    case("E005", "skip", gpus__devices=()),
    case("E005", "unknown", gpus__devices=(gpu(0, compute=NOT_READ),)),
    case("E006", "pass"),
    case("E006", "fail", asked__gpus=4, asked__tensor_parallel=4),
    case("E006", "fail", asked__gpus=2, asked__pipeline_parallel=2),
    case("E006", "fail", artifacts__engine__mapped=Mapped(tensor_parallel=2, world_size=2)),
    case("E006", "unknown", **UNREAD),
    case("E007", "pass"),
    case("E007", "fail", artifacts__repository=served(max_batch_size=64)),
    case("E007", "skip", artifacts__engine__limits=Limits()),
    case("E007", "skip", artifacts__repository=None),
    case("E007", "unknown", artifacts__repository=NOT_READ),
    *(case(check, "skip", artifacts__repository=broken) for check in AGAINST_REPOSITORY for broken in BROKEN),
    *(
        case(check, "unknown", artifacts__repository=repository(model("tensorrt_llm", config=NOT_READ)))
        for check in AGAINST_REPOSITORY
    ),
    case("E008", "pass"),
    case("E008", "fail", artifacts__repository=served(parameters=parameters(max_beam_width="4"))),
    case("E008", "skip", artifacts__repository=served(parameters=parameters(max_beam_width="${max_beam_width}"))),
    case("E008", "unknown", artifacts__repository=NOT_READ),
    case("E001", "fail-checkpoint", artifacts__engine__kind="checkpoint"),
    case("E009", "pass"),
    case("E009", "fail", artifacts__engine__plugins={"paged_kv_cache": "disable"}),
    case("E009", "fail-old", artifacts__engine__plugins={"paged_kv_cache": False}, artifacts__engine__version=""),
    case("E009", "skip", artifacts__repository=served(parameters=parameters(batching_strategy="V1"))),
    case("E009", "unknown", **UNREAD),
    case("E010", "pass"),
    case("E010", "warn", artifacts__repository=served(parameters=parameters(max_attention_window_size="2560"))),
    case("E010", "warn", artifacts__repository=served(parameters=parameters(max_tokens_in_paged_kv_cache="2560"))),
    case("E010", "skip", artifacts__engine__limits=Limits(max_batch_size=8)),
    case("E010", "unknown", artifacts__repository=NOT_READ),
    case("E011", "pass"),
    case("E011", "warn", artifacts__repository=served(parameters=parameters(batch_scheduler_policy="max_utilization"))),
    case(
        "E011",
        "warn-engine",
        artifacts__repository=served(
            parameters=parameters(batch_scheduler_policy="max_utilization", enable_chunked_context="true")
        ),
    ),
    case(
        "E011",
        "pass",
        artifacts__repository=served(
            parameters=parameters(batch_scheduler_policy="max_utilization", enable_chunked_context="true")
        ),
        artifacts__engine__plugins={"use_paged_context_fmha": True},
    ),
    case("E011", "unknown", artifacts__repository=NOT_READ),
    case("E012", "pass"),
    case("E012", "warn", artifacts__writable=(".", "rank0.engine")),
    case("E012", "unknown", artifacts__writable=NOT_READ),
    case("E013", "pass"),
    case("E013", "fail", artifacts__engine__model__layers=28),
    case("E013", "fail", artifacts__engine__model__vocabulary=65024),
    case("E013", "pass", artifacts__engine__model__vocabulary=152064),
    case("E013", "skip", artifacts__checkpoint=None),
    case("E013", "unknown", artifacts__checkpoint=NOT_READ),
]
