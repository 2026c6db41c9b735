"""A small source tree of our own, written in every style the real programs use."""

from pathlib import Path

BUILD = """
import argparse
from ..lora import Lora
from ..plugin import add_plugin_argument, severity_map, BuildConfig

def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--checkpoint_dir', type=str, default=None)
    parser.add_argument('--max_batch_size', type=int, default=BuildConfig.max_batch_size)
    parser.add_argument('--max_seq_len', '--max_decoder_seq_len', dest='max_seq_len', type=int, default=None)
    parser.add_argument('--log_level', default='info', choices=severity_map.keys())
    parser.add_argument('--strip', default=BuildConfig.strip, action='store_true')
    parser.add_argument('--kv', default=argparse.SUPPRESS, type=str)
    lora = parser.add_argument_group("LoRA arguments")
    lora.add_argument('--modules', nargs='+', choices=Lora.IDS.keys())
    plugins = parser.add_argument_group("plugin_config")
    add_plugin_argument(plugins)
    args = parser.parse_args()
    return args
"""

PLUGIN = """
from dataclasses import dataclass, field, fields
from typing import Optional
import trt

OPTIONS = ["auto", "float16", None]
BY_NAME = {"gemm_plugin": ["fp8", None]}
cli_args = ["gemm_plugin", "moe_plugin", "context_fmha", "tokens_per_block"]
severity_map = {"info": trt.INFO, "error": trt.ERROR}

@dataclass
class BuildConfig:
    max_batch_size: int = 256
    strip: bool = False

@dataclass
class PluginConfig:
    _gemm_plugin: Optional[str] = field(default=None, init=False)
    _moe_plugin: Optional[str] = field(default="auto", init=False)
    _hidden: bool = field(default=True, init=False)
    _context_fmha: bool = field(default=True, init=False)
    _tokens_per_block: int = field(default=64, init=False)

def add_plugin_argument(parser):
    plugin_config = PluginConfig()
    for field in fields(plugin_config):
        field_name = field.name.lstrip('_')
        if field_name not in cli_args:
            continue
        if field.type in (str, Optional[str]):
            options = OPTIONS
            if field_name in BY_NAME:
                options = BY_NAME[field_name]
            parser.add_argument("--" + field_name, type=str,
                                default=field.default if field.default else "disable",
                                choices=[x if x else "disable" for x in options])
        elif field.type == bool:
            parser.add_argument(f"--{field_name}", type=str, default="enable" if field.default else "disable",
                                choices=["enable", "disable"])
        else:
            parser.add_argument("--" + field_name, type=field.type, default=field.default)
    return parser
"""

CONVERT = """
import argparse, sys
from utils import add_common_args

def parse_arguments(args=None):
    parser = argparse.ArgumentParser()
    parser = add_common_args(parser)
    parser.add_argument('--model_dir', required=True)
    parser.add_argument('--scaling', nargs=2, default=None)
    parser.add_argument('--precision', const='int8', type=str, nargs='?', choices=['int8', 'int4'], default='int8')
    parser.add_argument('--offset', type=float, default=-1e-5)
    parser.add_argument('--overlap', action=argparse.BooleanOptionalAction, default=True)
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--fast', action='store_true')
    group.add_argument('--small', action='store_true')
    for name in ('alpha', 'beta'):
        parser.add_argument('--' + name, type=int, default=2 * 8 - 1)
    return parser.parse_args(args)

if __name__ == '__main__':
    print(parse_arguments(sys.argv))
"""

COMMON = """
import os
os.system('touch ran')  # proves that nothing of the tree is run

def add_common_args(parser, prefix='--'):
    parser.add_argument(prefix + 'tp_size', type=int, default=1, help='never kept')
    parser.add_argument('--cache', type=str, default=os.path.expanduser('~'))
    parser.add_argument('--names', action='append')
    return parser
"""

DATASET = """
import click
from utils.synthetic import token_norm_dist

@click.group()
@click.option("--tokenizer", required=True, type=str)
@click.option("--stdout", is_flag=True, default=False)
@click.option("--log-level", default="info", type=click.Choice(['info', 'debug']))
@click.pass_context
def cli(ctx, **kwargs):
    pass

cli.add_command(token_norm_dist)
"""

SYNTHETIC = """
import click

@click.command()
@click.option("--num-requests", required=True, type=int)
@click.option("--pair", type=int, nargs=2)
def token_norm_dist(**kwargs):
    pass
"""

MANAGER = r"""
// options.add_options()("commented_out", "no")
int main(int argc, char* argv[])
{
    options.add_options()("h,help", "Print usage");
    options.add_options()("engine_dir, decoder_engine_dir", "A (very \"good\") "
        "directory", cxxopts::value<std::string>())("beam_width", "x", cxxopts::value<int>()->default_value("1"));
    options.add_options()( /* streams */
        "streaming", "Operate in streaming mode.", cxxopts::value<bool>()->default_value("false"));
}
"""

PBTXT = """
name: "tensorrt_llm"
backend: "${triton_backend}"
max_batch_size: ${triton_max_batch_size}
dynamic_batching { preferred_batch_size: [ ${triton_max_batch_size} ]
    default_queue_policy: { max_queue_size: ${max_queue_size} } }
parameters: {
  key: "gpt_model_path"
  value: { string_value: "${engine_dir}" }
}
# parameters: { key: "gone" value: { string_value: "${gone}" } }
parameters: { key: "brand_new" value: { string_value: "${brand_new}" } }
"""

FILES = {
    "tensorrt_llm/tensorrt_llm/commands/build.py": BUILD,
    "tensorrt_llm/tensorrt_llm/plugin.py": PLUGIN,
    "tensorrt_llm/tensorrt_llm/lora.py": "class Lora:\n    IDS = {'attn_qkv': 0, 'attn_q': 1}\n",
    "tensorrt_llm/examples/qwen/convert_checkpoint.py": CONVERT,
    "tensorrt_llm/examples/qwen/utils.py": COMMON,
    "tensorrt_llm/benchmarks/cpp/prepare_dataset.py": DATASET,
    "tensorrt_llm/benchmarks/cpp/utils/synthetic.py": SYNTHETIC,
    "tensorrt_llm/benchmarks/cpp/gptManagerBenchmark.cpp": MANAGER,
    "all_models/inflight_batcher_llm/tensorrt_llm/config.pbtxt": PBTXT,
}


def write(root: Path, changed: dict[str, str] | None = None) -> Path:
    """The tree under `root`, with some files changed."""
    for name, text in (FILES | (changed or {})).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
