"""The option sets that the documents speak of, for every recipe: what `docs/recipes.md` and the seeds show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from environment.contracts import templates, tools
from environment.errors import Trouble
from environment.plan import Plan
from environment.releases import tags
from recipes import build, serve
from recipes.recipe import find, names
from tests.recipes.deployments import USER, deployment

OPTIONS: list[dict[str, Any]] = [
    {},
    {"tp": 2},
    {"tp": 2, "pp": 2},
    {"dtype": "bfloat16"},
    {"quant": "fp8"},
    {"quant": "fp8", "feature": ["fp8-context-fmha"]},
    {"quant": "int4_wo"},
    {"quant": "int4_wo", "kv_cache_dtype": "fp8"},
    {"quant": "int8_wo"},
    {"quant": "int8_wo", "kv_cache_dtype": "int8"},
    {"quant": "int8_sq"},
    {"quant": "int4_awq"},
    {"quant": "w4a8_awq"},
    {"feature": ["fmha-fp32-acc"]},
    {"feature": ["no-fmha"]},
    {"feature": ["tokens-per-block=128", "parallel-build", "custom-all-reduce", "rmsnorm-plugin"]},
    {"feature": ["multi-block-mode"]},
    {"limits": {"max_batch_size": 2, "max_input_len": 512, "max_output_len": 128}},
    {"model_dir": "/models/mine"},
]
KNOWN = [tag for tag in tags() if tools(tag)]


def readable(tag: str) -> bool:
    """Whether the templates of the release are known."""
    try:
        templates(tag)
    except Trouble:
        return False
    return True


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Recipe (with its variants) x release x documented options."""
    for name in names():
        for tag in KNOWN:
            for model in ("", *find(name).variants):
                yield from ((name, tag, {**options, "model": model}) for options in OPTIONS)


def planned(name: str, tag: str, options: dict[str, Any]) -> Plan:
    """The plan of `serve`, or of `build` where the model is not served."""
    asked = deployment(name, tag=tag, **options)
    return serve.plan(asked, USER) if asked.recipe.served else build.plan(asked, USER)
