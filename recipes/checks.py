"""What can be known to fail before anything runs: each check is a pure function that raises with both values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.version import Version

from environment.errors import Trouble, Usage, unknown_name
from environment.releases import Release
from recipes import features as known_features
from recipes import patches as known_patches
from recipes import quantization as known_quantizations
from recipes.gpus import Gpus
from recipes.recipe import Recipe, Shape

# triton-inference-server/tensorrtllm_backend@v0.10.0:inflight_batcher_llm/src/model_instance_state.cc L78
MOST_TOKENS = 2**31 - 1
DTYPES = ("float16", "bfloat16", "float32")  # TensorRT-LLM: --dtype of every convert_checkpoint.py and build.py


def check_split(shape: Shape, tp: int, pp: int) -> None:
    """Raises Usage when the heads or layers cannot be shared out evenly (TensorRT-LLM: layers/attention.py)."""
    heads, kv_heads = shape.attention_heads, shape.key_value_heads
    fits = [n for n in range(1, heads + 1) if heads % n == 0 and (kv_heads % n == 0 or n % kv_heads == 0)]
    if tp not in fits:
        raise Usage(
            f"--tp {tp} does not divide the model: {heads} attention heads, {kv_heads} key/value heads",
            why="each GPU holds the same number of whole heads",
            mend=f"use --tp {' or '.join(str(n) for n in fits if n <= 16)}",
        )
    if shape.layers % pp:
        why = "each pipeline stage holds the same number of layers"
        fits = [n for n in range(1, 17) if shape.layers % n == 0]
        mend = f"use --pp {' or '.join(str(n) for n in fits)}"
        raise Usage(f"--pp {pp} does not divide the model's {shape.layers} layers", why=why, mend=mend)


def check_lengths(shape: Shape, max_input_len: int, max_output_len: int) -> None:
    """Raises Usage when one request may be longer than the model knows positions."""
    longest = max_input_len + max_output_len
    if longest > shape.max_positions:
        raise Usage(
            f"--max-input-len {max_input_len} plus --max-output-len {max_output_len}"
            f" is {longest} tokens, the model knows {shape.max_positions} positions",
            why="what comes after the last position it was trained on is nonsense",
            mend=f"let them add up to {shape.max_positions} at most",
        )


def check_cache(max_batch_size: int, max_seq_len: int) -> None:
    """Raises Usage for more tokens than the backend counts: it reads `max_tokens_in_paged_kv_cache` as an int32_t."""
    if max_batch_size * max_seq_len > MOST_TOKENS:
        raise Usage(
            f"--max-batch-size {max_batch_size} of {max_seq_len} tokens each is {max_batch_size * max_seq_len} tokens"
            f" in the KV cache, the backend counts to {MOST_TOKENS}",
            why="it would take another number, or none",
            mend=f"--max-batch-size {MOST_TOKENS // max_seq_len} at most",
        )


def check_answer(max_tokens: int, max_output_len: int) -> None:
    """Raises Usage for an answer longer than the engine gives, which it would say after hours of building."""
    if max_tokens > max_output_len:
        raise Usage(
            f"--max-tokens {max_tokens} is more than the {max_output_len} that the engine gives",
            mend=f"--max-tokens {max_output_len}, or build for more: --max-output-len {max_tokens}",
        )


def check_tokens(features: Mapping[str, str], max_input_len: int) -> None:
    """Raises Usage for an iteration that has no room for the longest prompt, which is not cut into chunks here."""
    tokens = features.get("max-num-tokens", "")
    if tokens and int(tokens) < max_input_len:
        raise Usage(
            f"--feature max-num-tokens={tokens} is less than --max-input-len {max_input_len}",
            why="a prompt is read in one iteration: longer ones would be refused when they are asked",
            mend=f"--feature max-num-tokens={max_input_len}, or --max-input-len {tokens}",
        )


def check_formats(dtype: str, quantization: str, kv_cache_dtype: str, features: Mapping[str, str]) -> None:
    """Raises Usage for an unknown data type, quantization or KV-cache format, and a feature without what it needs."""
    if dtype not in DTYPES:
        raise unknown_name("data type", dtype, DTYPES, mend="such as --dtype float16")
    known_quantizations.find(quantization)
    if kv_cache_dtype:
        known_quantizations.find_kv_cache(kv_cache_dtype)
    for name in features:
        needed = known_features.table()[name].needs_quantization
        if needed and needed != quantization:
            raise Usage(
                f"the feature {name} needs --quant {needed}, not {quantization or known_quantizations.NONE}",
                mend=f"add --quant {needed}, or leave the feature out",
            )


def check_compute(release: Release, gpus: Gpus, formats: Iterable[str], features: Iterable[str]) -> None:
    """Raises Usage when the GPUs cannot compute in one of the formats, or with one of the features; unknown ones can.

    `formats` are data types, quantizations and KV-cache types; an empty one says nothing.
    """
    if gpus.sm is None:
        return
    needed = {f"the format {name}": known_quantizations.minimum_sm(name) for name in formats if name}
    needed |= {f"the feature {name}": known_features.minimum_sm(name, release.gpu) for name in features}
    for name, least in needed.items():
        if gpus.sm < least:
            able = [each for each in known_quantizations.table().quantizations if _can(each, gpus.sm)]
            these = f"these GPUs can --quant {' or '.join(able)}; " if able else ""
            raise Usage(
                f"{name} needs compute capability {least / 10}, the GPU(s) {_listed(gpus.serving)} have {gpus.compute}",
                why="their tensor cores do not know the arithmetic",
                mend=f"{these}other GPUs: --gpus LIST",
            )


def _can(name: str, sm: int) -> bool:
    found = known_quantizations.find(name)
    return max(found.minimum_sm, known_quantizations.minimum_sm(found.kv_cache_dtype)) <= sm


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def check_patches(recipe: Recipe) -> None:
    """Raises Usage for the name of a patch that there is not."""
    for name in recipe.patches:
        if name not in known_patches.table():
            raise unknown_name("patch", name, known_patches.table(), mend="grep '^.patches' recipes/patches.toml")


def check_release(recipe_name: str, recipe: Recipe, release: Release) -> None:
    """Raises Trouble when the release is older than the first one that can do the recipe."""
    if Version(release.tag) < Version(recipe.since.release):
        first = recipe.since
        raise Trouble(
            f"{recipe_name} cannot be built with {release.tag}: first in {first.release}, because {first.because}",
            mend=f"use --tag {first.release}",
        )
