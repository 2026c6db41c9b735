"""What is asked for: a recipe on a release, split over GPUs, with its limits. Everything is checked when it is made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from environment.errors import Trouble, Usage
from environment.releases import DEFAULT_TAG, Release
from environment.releases import find as find_release
from environment.workspace import Workspace
from recipes.recipe import Recipe, Shape
from recipes.recipe import find as find_recipe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PATH = re.compile(r"/[\w./@+-]*")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where Triton listens on the loopback address of this host."""

    http: int = 8000
    grpc: int = 8001
    metrics: int = 8002

    def __post_init__(self) -> None:
        chosen = (self.http, self.grpc, self.metrics)
        if bad := [port for port in chosen if not 1 <= port <= 65535]:
            raise Usage(f"port {bad[0]} is not between 1 and 65535")
        if len(set(chosen)) < len(chosen):
            raise Usage(f"http, grpc and metrics need three different ports, not {chosen}")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A recipe on a release: `tp` x `pp` GPUs, limits in requests and tokens. `model_dir` is the user's checkpoint."""

    name: str
    recipe_name: str
    recipe: Recipe
    release: Release
    workspace: Workspace
    tp: int = 1
    pp: int = 1
    dtype: str = "float16"
    max_batch_size: int
    max_input_len: int
    max_output_len: int
    ports: Ports = Ports()
    model_dir: Path | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise Usage(f"{self.name!r} is no usable name", why="letters, digits, '.', '_' and '-', at most 128")
        for word in ("tp", "pp", "max_batch_size", "max_input_len", "max_output_len"):
            if getattr(self, word) < 1:
                flag = word.replace("_", "-")
                raise Usage(f"--{flag} {getattr(self, word)} is less than 1")
        for path in (self.workspace.root, self.model_dir):
            if path and not PATH.fullmatch(str(path)):
                why = "letters, digits and . _ @ + - / can; anything else would need quoting somewhere on the way"
                raise Usage(f"the path {str(path)!r} cannot be mounted into a container", why=why)
        check_split(self.recipe.shape, self.tp, self.pp)
        check_lengths(self)

    @property
    def world_size(self) -> int:
        """Ranks, and GPUs: tp x pp."""
        return self.tp * self.pp

    @property
    def max_seq_len(self) -> int:
        """Tokens of one request, question and answer together."""
        return self.max_input_len + self.max_output_len

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache is to hold: a full batch of the longest requests."""
        return self.max_batch_size * self.max_seq_len

    @property
    def image(self) -> str:
        """The image that `invoke image` makes for the release."""
        return f"trtllm:{self.release.tag}"

    @property
    def checkpoint_dir(self) -> str:
        """The Hugging Face checkpoint: the user's own, or the hub's at its pinned revision."""
        pinned = f"{self.recipe.checkpoint.hub.split('/')[1]}-{self.recipe.checkpoint.revision[:12]}"
        return str(self.model_dir or self.workspace.checkpoints / pinned)

    @property
    def engine_name(self) -> str:
        """Readable, and unique to everything that decides what the engine is."""
        return f"{self.recipe_name}-{self.release.tag}-tp{self.tp}pp{self.pp}-{self.identity()}"

    @property
    def engine_dir(self) -> str:
        """Where the engine of this deployment lies."""
        return str(self.workspace.engines / self.engine_name)

    def identity(self) -> str:
        """Twelve hexadecimal digits over everything that decides what the engine is; ports and names do not."""
        source = self.recipe.checkpoint
        decisive = {
            "checkpoint": [str(self.model_dir)] if self.model_dir else [source.hub, source.revision],
            "release": [self.release.tag, self.release.tensorrt_llm.commit],
            "split": [self.tp, self.pp],
            "dtype": self.dtype,
            "limits": [self.max_batch_size, self.max_input_len, self.max_output_len],
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]


def deploy(
    recipe_name: str,
    *,
    workspace: Workspace,
    ports: Ports,
    tag: str = "",
    tp: int = 1,
    pp: int = 1,
    name: str = "",
    dtype: str = "",
    limits: Mapping[str, int] | None = None,
    model_dir: str = "",
) -> Deployment:
    """The deployment of a recipe with a release; what is not said (empty, 0) is the recipe's own.

    Raises Usage for an unknown recipe or release and for a value out of range, Trouble for a release too old for it.
    """
    recipe, release = find_recipe(recipe_name), find_release(tag or DEFAULT_TAG)
    check_release(recipe_name, recipe, release)
    said = {word: value for word, value in (limits or {}).items() if value}
    return Deployment(
        name=name or recipe_name,
        recipe_name=recipe_name,
        recipe=recipe,
        release=release,
        workspace=workspace,
        tp=tp,
        pp=pp,
        dtype=dtype or recipe.dtype,
        max_batch_size=said.get("max_batch_size", recipe.limits.max_batch_size),
        max_input_len=said.get("max_input_len", recipe.limits.max_input_len),
        max_output_len=said.get("max_output_len", recipe.limits.max_output_len),
        ports=ports,
        model_dir=Path(model_dir).expanduser().absolute() if model_dir else None,
    )


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
        raise Usage(f"--pp {pp} does not divide the model's {shape.layers} layers", why=why)


def check_lengths(deployment: Deployment) -> None:
    """Raises Usage when one request may be longer than the model knows positions."""
    known = deployment.recipe.shape.max_positions
    if deployment.max_seq_len > known:
        raise Usage(
            f"--max-input-len {deployment.max_input_len} plus --max-output-len {deployment.max_output_len}"
            f" is {deployment.max_seq_len} tokens, the model knows {known} positions"
        )


def check_release(recipe_name: str, recipe: Recipe, release: Release) -> None:
    """Raises Trouble when the release is older than the first one that can do the recipe."""
    if Version(release.tag) < Version(recipe.since.release):
        first = recipe.since
        raise Trouble(
            f"{recipe_name} cannot be built with {release.tag}: first in {first.release}, because {first.because}",
            mend=f"invoke serve {recipe_name} --tag {first.release}",
        )
