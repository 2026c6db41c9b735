"""A command is re-parsed as the program's own parser would, strictly."""

import shlex

import pytest

from environment.contracts import contract

LENGTHS = "--num-requests 1 --input-mean 9 --input-stdev 0 --output-mean 9 --output-stdev 0"
SYNTHETIC = f"python3 prepare_dataset.py --tokenizer /t --output o.json token-norm-dist {LENGTHS}"

ACCEPTED = {
    "a whole command": (
        "v0.10.0",
        "convert_checkpoint-qwen",
        "python3 examples/qwen/convert_checkpoint.py --model_dir /m --output_dir /c --dtype float16 --tp_size 4",
    ),
    "only its arguments": ("v0.10.0", "convert_checkpoint-qwen", "--model_dir /m --tp_size=2"),
    "no words at all": ("v0.10.0", "convert_checkpoint-qwen", ""),
    "under mpirun": ("v0.10.0", "run", "mpirun -n 4 --allow-run-as-root python3 run.py --max_output_len 8 --streaming"),
    "a module": ("v0.10.0", "trtllm-build", "python3 -m tensorrt_llm.commands.build --checkpoint_dir /c"),
    "a value that may be left out": ("v0.10.0", "convert_checkpoint-qwen", "--weight_only_precision --use_weight_only"),
    "two values": ("v0.10.0", "convert_checkpoint-qwen", "--rotary_scaling linear 2.0"),
    "a negative number": ("v0.10.0", "convert_checkpoint-qwen", "--n_positions -1"),
    "many values": ("v0.10.0", "run", "run.py --max_output_len 8 --input_text one 'two words' three"),
    "short flags": (
        "v0.10.0",
        "build_wheel",
        "python3 scripts/build_wheel.py -c -i -j 4 --trt_root /usr/local/tensorrt",
    ),
    "a tied value with a blank": ("v0.10.0", "convert_checkpoint-qwen", "'--model_dir=/a b/c'"),
    "positionals": ("v0.10.0", "fill_template", "python3 tools/fill_template.py -i config.pbtxt engine_dir:/e"),
    "a subcommand": (
        "v0.10.0",
        "prepare_dataset",
        SYNTHETIC,
    ),
    "a bool of cxxopts": ("v0.10.0", "gptManagerBenchmark", "gptManagerBenchmark --engine_dir /e --streaming=false"),
    "a value with a dash": ("v0.10.0", "gptManagerBenchmark", "--engine_dir /e --max_num_samples -1"),
    "repeated where lists grow": ("v0.12.0", "run", "run.py --max_output_len 8 --stop_words a --stop_words b"),
    "the legacy build": ("v0.7.1", "build-chatglm", "python3 build.py -m chatglm3_6b --world_size 2 --tp_size 2"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_program_takes_has_no_problems(name: str) -> None:
    release, tool, command = ACCEPTED[name]
    assert contract(release, tool).problems(shlex.split(command)) == ()


REFUSED = {
    "an unknown flag, the nearest named": (
        "v0.10.0",
        "trtllm-build",
        "trtllm-build --checkpoint_dir /c --max_sequence_len 10",
        "--max_sequence_len is no option of trtllm-build in v0.10.0; did you mean --max_",
    ),
    "a flag of a later release": ("v0.10.0", "trtllm-build", "--checkpoint_dir /c --max_seq_len 9", "--max_seq_len"),
    "a flag of an earlier release": (
        "v0.12.0",
        "trtllm-build",
        "--checkpoint_dir /c --max_output_len 9",
        "--max_output_len is no option",
    ),
    "an abbreviation": ("v0.10.0", "convert_checkpoint-qwen", "--tp 4", "did you mean --tp_size?"),
    "no value": ("v0.10.0", "convert_checkpoint-qwen", "--tp_size", "--tp_size needs a value"),
    "a flag for a value": ("v0.10.0", "convert_checkpoint-qwen", "--tp_size --pp_size 2", "--tp_size needs a value"),
    "too few values": ("v0.10.0", "convert_checkpoint-qwen", "--rotary_scaling linear", "needs 2 values"),
    "a word for a number": ("v0.10.0", "convert_checkpoint-qwen", "--tp_size four", "takes int, got 'four'"),
    "a value not offered": (
        "v0.10.0",
        "convert_checkpoint-qwen",
        "--dtype fp16",
        "--dtype takes one of float32, bfloat16, float16, got 'fp16'",
    ),
    "a value for a switch": ("v0.10.0", "convert_checkpoint-qwen", "--use_weight_only True", "'True' belongs to no"),
    "a value tied to a switch": ("v0.10.0", "convert_checkpoint-qwen", "--use_weight_only=1", "takes no value"),
    "a missing required option": ("v0.10.0", "run", "python3 run.py --streaming", "--max_output_len is missing"),
    "a flag given twice": ("v0.10.0", "convert_checkpoint-qwen", "--tp_size 2 --tp_size 4", "given twice"),
    "a missing positional": (
        "v0.10.0",
        "fill_template",
        "fill_template.py -i config.pbtxt",
        "substitutions is missing",
    ),
    "one positional too many": (
        "v0.10.0",
        "fill_template",
        "fill_template.py -i a b:c d:e",
        "'d:e' belongs to no option",
    ),
    "no subcommand": (
        "v0.10.0",
        "prepare_dataset",
        "--tokenizer /t",
        "a subcommand is missing: dataset, token-norm-dist",
    ),
    "an option on the wrong side": (
        "v0.10.0",
        "prepare_dataset",
        "prepare_dataset.py --tokenizer /t --input-mean 1 token-norm-dist",
        "--input-mean is no option of prepare_dataset in v0.10.0; it belongs after token-norm-dist",
    ),
    "a group option after the subcommand": (
        "v0.10.0",
        "prepare_dataset",
        "prepare_dataset.py token-norm-dist --tokenizer /t",
        "it belongs before the subcommand",
    ),
    "a word after a bool of cxxopts": (
        "v0.10.0",
        "gptManagerBenchmark",
        "--engine_dir /e --streaming true",
        "'true' belongs to no option",
    ),
    "a negative size": ("v0.12.0", "gptManagerBenchmark", "--engine_dir /e --beam_width two", "got 'two'"),
    "another program": (
        "v0.10.0",
        "trtllm-build",
        "python3 convert_checkpoint.py --dtype x",
        "does not start trtllm-build",
    ),
    "the end of options": ("v0.10.0", "convert_checkpoint-qwen", "--model_dir -- --tp_size 4", "'--' among the words"),
    "a hostile word": ("v0.10.0", "convert_checkpoint-qwen", "--tp_size '4; rm -rf /'", "takes int"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_program_refuses_is_named(name: str) -> None:
    release, tool, command, words = REFUSED[name]
    found = contract(release, tool).problems(shlex.split(command))
    assert any(words in problem for problem in found), found


RULES = {
    "one of two": ("v0.10.0", "trtllm-build", "--output_dir /e", "one of --checkpoint_dir / --model_config"),
    "two that exclude each other": (
        "v0.10.0",
        "convert_checkpoint-llama",
        "--model_dir /m --meta_ckpt_dir /n",
        "--meta_ckpt_dir and --model_dir exclude each other",
    ),
    "a number that must be one": ("v0.10.0", "convert_checkpoint-chatglm", "--pp_size 2", "--pp_size must be 1"),
    "a product": ("v0.7.1", "build-chatglm", "-m chatglm3_6b --world_size 2", "--world_size must equal"),
    "a power of two": ("v0.7.1", "build-chatglm", "-m chatglm3_6b --tokens_per_block 96", "power of two"),
    "a least value under a condition": (
        "v0.7.1",
        "build-llama",
        "--tokens_per_block 64 --enable_context_fmha",
        "at least 128",
    ),
    "one option that needs another": ("v0.7.1", "build-llama", "--max_num_tokens 8", "needs --enable_context_fmha"),
    "values that conflict": (
        "v0.10.0",
        "trtllm-build",
        "--checkpoint_dir /c --gather_all_token_logits --max_draft_len 5",
        "--gather_all_token_logits together with --max_draft_len",
    ),
    "a product with unset factors": (
        "v0.12.0",
        "convert_checkpoint-qwen",
        "--model_dir /m --tp_size 4 --moe_tp_size 2 --moe_ep_size 1",
        "moe_tp_size * moe_ep_size must equal tp_size",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_what_the_program_refuses_after_parsing_is_named(name: str) -> None:
    release, tool, command, words = RULES[name]
    (problem,) = contract(release, tool).problems(shlex.split(command))
    assert words in problem


@pytest.mark.parametrize(
    "command",
    [
        "--model_dir /m --tp_size 4",
        "--model_dir /m --tp_size 4 --moe_tp_size 2 --moe_ep_size 2",
        "--model_dir /m --tp_size 4 --moe_tp_size 2",
    ],
)
def test_a_product_that_fits_or_is_left_open_is_fine(command: str) -> None:
    assert contract("v0.12.0", "convert_checkpoint-qwen").problems(command.split()) == ()


def test_what_is_silently_ignored_is_a_warning_and_no_problem() -> None:
    build = contract("v0.10.0", "trtllm-build")
    command = shlex.split("trtllm-build --checkpoint_dir /c --tp_size 4")
    assert build.problems(command) == ()
    ignored, limited = build.warnings(command)
    assert ignored.startswith("--tp_size/--pp_size are parsed but only used")
    assert limited.startswith("--max_batch_size defaults to 1")
    explicit = shlex.split("--checkpoint_dir /c --max_batch_size 8 --max_input_len 9 --max_output_len 9")
    assert build.warnings(explicit) == ()


def test_a_very_long_command_is_read() -> None:
    words = ["--input_text", *["word"] * 20_000]
    assert contract("v0.10.0", "run").problems(["--max_output_len", "8", *words]) == ()
