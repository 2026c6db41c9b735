"""What the checks of family C say, case by case."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from doctor.template_code import TemplateCode, parse, released
from environment.artifacts.checkpoint import Checkpoint, parse_model
from environment.artifacts.digests import Digest
from environment.artifacts.heads import Damaged
from environment.artifacts.tokenizer import TokenizerCode
from environment.artifacts.weight_files import Shard
from environment.releases import find
from environment.unknown import Unknown
from tests.doctor.artifacts import CHATGLM_CODE, QWEN2, WELL_ARTIFACTS
from tests.doctor.well import NOT_READ, case

GONE = {"artifacts__checkpoint": None, "artifacts__tokenizer": None}
UNREAD = {"artifacts__checkpoint": NOT_READ}
UNREAD_TOKENIZER = {"artifacts__tokenizer": NOT_READ}
COMMIT = "c" * 40
CODE = "tokenization_chatglm.ChatGLMTokenizer"
REMOTE: dict[str, Any] = {
    "artifacts__tokenizer__tokenizer_class": "ChatGLMTokenizer",
    "artifacts__tokenizer__remote_code": (CODE,),
}
CHATGLM = {**REMOTE, "artifacts__tokenizer__code": CHATGLM_CODE}
GUARDED = TemplateCode(assigns="when-missing", trusts_remote_code=True, source="preprocessing/1/model.py")


def shard(name: str = "model.safetensors", fault: str = "") -> Shard:
    return Shard(name=name, size=9, expected_size=10, fault=fault)


def checkpoint(**fields: Any) -> Checkpoint:
    well = WELL_ARTIFACTS.checkpoint
    assert isinstance(well, Checkpoint)
    return replace(well, **fields)


UNNAMED: dict[str, Any] = {
    "artifacts__tokenizer__tokenizer_class": "",
    "artifacts__tokenizer__remote_code": (),
    "artifacts__checkpoint__model__model_type": "qwen2",
}
SLOW, NARROW = TokenizerCode(vocabulary_first=False), TokenizerCode(takes_padding_side=False)

CASES = [
    case("C001", "pass"),
    case("C001", "fail", artifacts__checkpoint__shards=(shard("model-00001-of-00002.safetensors"),)),
    case("C001", "fail-none", artifacts__checkpoint__shards=()),
    case("C001", "fail-damaged", artifacts__checkpoint=Damaged("config.json is not valid JSON")),
    case("C001", "pass", artifacts__checkpoint=checkpoint(shards=(), pickles=("pytorch_model.bin",))),
    case("C001", "skip", **GONE),
    case("C001", "unknown", **UNREAD),
    case("C002", "pass"),
    case("C002", "fail", artifacts__checkpoint__shards=(shard(fault="9 bytes, its header promises 10"),)),
    case("C002", "pass", artifacts__checkpoint__shards=(shard("elsewhere", fault="not there"),)),
    case("C002", "unknown", artifacts__checkpoint=Damaged("config.json is not valid JSON")),
    case("C003", "pass"),
    case("C003", "fail", artifacts__checkpoint__pointers=("model.safetensors",)),
    case("C003", "unknown", **UNREAD),
    case("C004", "pass"),
    case("C004", "warn", artifacts__checkpoint__incomplete=("../../blobs/1.incomplete",)),
    case("C004", "unknown", **UNREAD),
    case("C005", "pass"),
    case("C005", "fail", artifacts__digests=(Digest(name="m", recorded="a", actual="b"),)),
    case("C005", "note", artifacts__digests=()),
    case("C005", "skip", artifacts__digests=None),
    case("C005", "unknown", artifacts__digests=(Digest(name="m", recorded="a", actual=NOT_READ),)),
    case("C006", "pass"),
    case("C006", "warn", artifacts__checkpoint__remote_code=("modeling_x.X",)),
    case("C006", "warn", **REMOTE),
    case("C006", "note", **REMOTE, artifacts__checkpoint__revision=COMMIT),
    case("C006", "unknown", **UNREAD),
    case("C007", "pass"),
    case("C007", "pass", **REMOTE),
    case("C007", "fail", artifacts__tokenizer__tokenizer_class="ChatGLMTokenizer"),
    case(
        "C007",
        "fail-map",
        artifacts__tokenizer__tokenizer_class="ChatGLMTokenizer",
        artifacts__tokenizer__files=("tokenization_chatglm.py",),
    ),
    case("C007", "fail-file", **REMOTE, artifacts__tokenizer__missing_code=(CODE,)),
    case("C007", "fail-template", **REMOTE, artifacts__template=released("v0.6.1")),
    case("C007", "unknown", **REMOTE, artifacts__template=Unknown("nobody read the templates of v1.0.0")),
    case("C007", "pass-type", **UNNAMED),
    case("C007", "pass", **UNNAMED, artifacts__checkpoint__remote_code=("tokenization_x.XTokenizer", "modeling_x.X")),
    case("C007", "fail-unnamed", **UNNAMED, artifacts__checkpoint__remote_code=("modeling_chatglm.ChatGLMModel",)),
    case("C007", "skip", **{**UNNAMED, "artifacts__checkpoint__model__model_type": ""}),
    case("C007", "unknown", **UNREAD_TOKENIZER),
    case("C008", "pass"),
    case("C008", "fail", **CHATGLM),
    case("C008", "pass", **CHATGLM, artifacts__tokenizer__special_tokens={}),
    case("C008", "skip", artifacts__tokenizer__code=None),
    case("C008", "unknown", artifacts__tokenizer__code=NOT_READ),
    case("C009", "pass"),
    case("C009", "fail", **CHATGLM),
    case("C009", "pass-guarded", **CHATGLM, artifacts__template=released("v0.11.0")),
    case("C009", "pass-guarded", **CHATGLM, artifacts__template=GUARDED),
    case("C009", "unknown", **CHATGLM, artifacts__template=released("v1.0.0")),
    case("C010", "pass"),
    case("C010", "fail", artifacts__checkpoint__model=parse_model({"architectures": ["InternLM2ForCausalLM"]})),
    case("C010", "skip", artifacts__checkpoint__model=parse_model({})),
    case("C010", "unknown", artifacts__checkpoint__model=parse_model({"architectures": ["NobodyForCausalLM"]})),
    case("C011", "pass"),
    case("C011", "fail", asked__tensor_parallel=4),
    case(
        "C011",
        "warn",
        asked__tensor_parallel=2,
        artifacts__checkpoint__model=parse_model({"num_attention_heads": 12, "num_key_value_heads": 3}),
    ),
    case("C011", "unknown", artifacts__checkpoint__model=parse_model({})),
    case("C013", "pass"),
    case("C013", "warn", artifacts__checkpoint=checkpoint(shards=(), pickles=("pytorch_model.bin",))),
    case("C013", "unknown", **UNREAD),
    case("C014", "pass"),
    case("C014", "warn", artifacts__checkpoint__generation_eos_ids=(151645, 151643)),
    case("C014", "pass", artifacts__checkpoint__model=parse_model({**QWEN2, "eos_token_id": None})),
    case("C014", "unknown", **UNREAD),
    case("C015", "pass"),
    case("C015", "fail", artifacts__tokenizer__code=TokenizerCode(vocabulary_first=False)),
    case("C015", "pass", artifacts__tokenizer__code=TokenizerCode(takes_padding_side=False)),
    case(
        "C015",
        "fail-pad",
        artifacts__tokenizer__code=TokenizerCode(takes_padding_side=False),
        image__probe__packages={"transformers": "4.45.2"},
    ),
    case("C015", "pass", image=None),
    case("C015", "pass", image=None, release=find("v0.16.0")),
    case("C015", "fail", image=None, release=find("v0.16.0"), artifacts__tokenizer__code=SLOW),
    case("C015", "unknown", image=None, release=find("v0.16.0"), artifacts__tokenizer__code=NARROW),
    case("C015", "fail-pad", image=None, release=find("v0.20.0"), artifacts__tokenizer__code=NARROW),
    case("C015", "unknown", image=None, release=find("v0.17.0")),
    case("C015", "unknown", image__probe__packages={}),
    case("C015", "unknown", artifacts__tokenizer__code=NOT_READ),
    case("C015", "skip", artifacts__tokenizer__code=None),
]


def test_templates_are_read_by_their_text() -> None:
    always = "        self.tokenizer.pad_token = self.tokenizer.eos_token\n"
    guarded = f"        if not self.tokenizer.pad_token:\n    {always}"
    trusting = "AutoTokenizer.from_pretrained(tokenizer_dir, trust_remote_code=True)"
    assert parse(always, "x").assigns == "always"
    assert parse(guarded, "x").assigns == "when-missing"
    assert parse("", "x").assigns == "never"
    assert parse(trusting, "x").trusts_remote_code
    assert not parse("trust_remote_code=False", "x").trusts_remote_code
