"""What the how-tos do, by this project's commands: each line of the table in docs/recipes.md is planned."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import ROOT, invoke

TABLE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8").split("## From the how-tos")[1].split("\n## ")[0]
COMMANDS = re.findall(r"`\./inv ([^`]*)`", TABLE)
# The first two and the last step of each: what the words lead to, beyond being taken.
LEADS_TO = {
    "build chatglm3 --tag v0.7.0 --feature no-fmha --dry": ("--use_inflight_batching",),
    "build chatglm3 --tag v0.7.0 --dry": ("--enable_context_fmha",),
    "build chatglm3 --tag v0.7.0 --feature fmha-fp32-acc --dry": ("--enable_context_fmha_fp32_acc",),
    "build chatglm3 --tag v0.7.0 --quant int4_wo --dry": ("--use_weight_only --weight_only_precision int4",),
    "build chatglm3 --tag v0.7.0 --tp 2 --dry": ("--world_size 2 --tp_size 2 --pp_size 1",),
    "build chatglm3 --tag v0.7.0 --model base --dry": ("--model_name chatglm3_6b_base",),
    "build chatglm2 --tag v0.7.1 --feature parallel-build --dry": ("--parallel_build",),
    "run chatglm3 --tag v0.7.0 --question 你是谁？ --max-tokens 50 --dry": ("--max_output_len 50", "你是谁？"),
    "run chatglm3 --tag v0.7.0 --streaming --dry": ("--streaming",),
    "run chatglm3 --tag v0.7.0 --tp 2 --dry": ("mpirun --allow-run-as-root -n 2",),
    "serve chatglm3 --model 32k --tag v0.9.0 --dry": ("--max_input_len 30720",),
    "serve qwen2 --tp 4 --dry": ("--tp_size 4",),
    "build qwen-vl --dry": ("vit_onnx_trt.py", "--vit_engine_dir"),
    "build qwen2 --quant fp8 --feature fp8-context-fmha --dry": ("--use_fp8_context_fmha enable",),
    "build qwen2-72b --convert-gpus 0,1,2,3 --dry": ("device=0,1,2,3", "--kv_cache_dtype fp8"),
    "bench baichuan2-13b --clocks 1980,2619 --dry": ("--lock-gpu-clocks=1980,1980", "--reset-memory-clocks"),
    "bench baichuan2-13b --mode v1 --dry": ("--type V1",),
    "bench baichuan2-13b --mode static --dry": ("--static_emulated_batch_size 8",),
    "bench baichuan2-13b --mode fixed --dry": ("--input-stdev 0", "--output-stdev 0"),
}


def test_the_table_is_read() -> None:
    assert len(COMMANDS) > 30
    assert set(LEADS_TO) <= set(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_each_workflow_of_the_how_tos_is_one_command(command: str, tmp_path: Path) -> None:
    done = invoke(*shlex.split(command), workspace=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.replace("\\\n", " ").split())
    missing = [words for words in LEADS_TO.get(command, ()) if words not in said]
    assert not missing, said
