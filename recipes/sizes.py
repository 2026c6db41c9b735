"""How large things will be, from the shape alone: what is downloaded, and what each GPU has to hold. Bytes."""

from __future__ import annotations

import math

from recipes import quantization
from recipes.deployment import Deployment

HALF = 2  # bytes of a number in float16 and bfloat16; the hub's checkpoints are in one of them
WIDTH = {"float32": 4, "fp8": 1, "int8": 1}  # bytes of a number, where it is not half


def checkpoint_bytes(deployment: Deployment) -> int:
    """The Hugging Face checkpoint."""
    return deployment.recipe.shape.parameters * HALF


def weights_bytes(deployment: Deployment) -> int:
    """The weights of all ranks together, as the engine holds them."""
    bits = quantization.find(deployment.quantization).weight_bits
    if not deployment.quantization:
        bits = WIDTH.get(deployment.dtype, HALF) * 8
    return deployment.recipe.shape.parameters * bits // 8


def kv_cache_bytes(deployment: Deployment) -> int:
    """The KV cache of one rank when it holds a full batch of the longest requests.

    Two tensors (keys, values) a layer of the rank's stage, for the heads the rank has; with more ranks than key/value
    heads each rank still has one (TensorRT-LLM: layers/attention.py).
    """
    shape = deployment.recipe.shape
    heads = math.ceil(shape.key_value_heads / deployment.tp)
    layers = math.ceil(shape.layers / deployment.pp)
    width = WIDTH.get(deployment.kv_cache_dtype, WIDTH.get(deployment.dtype, HALF))
    head_size = shape.hidden_size // shape.attention_heads
    return 2 * layers * heads * head_size * width * deployment.kv_cache_tokens


def rank_bytes(deployment: Deployment) -> int:
    """What one GPU has to hold: its share of the weights, and one longest request in the KV cache."""
    one_request = kv_cache_bytes(deployment) // deployment.max_batch_size
    return math.ceil(weights_bytes(deployment) / deployment.world_size) + one_request
