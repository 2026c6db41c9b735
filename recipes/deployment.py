"""What is asked for: a recipe on a release, split over GPUs, with its limits. Everything is checked when it is made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from environment.errors import Usage
from environment.home import expanded
from environment.releases import DEFAULT_TAG, Release
from environment.releases import find as find_release
from environment.workspace import VARIABLE, Workspace
from recipes import checks, features, quantization, weights
from recipes.gpus import Gpus, chosen
from recipes.recipe import Recipe, said
from recipes.recipe import find as find_recipe
from recipes.recipe import read as read_recipe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PATH = re.compile(r"/[\w./@+-]*")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where Triton listens on the loopback address of this host."""

    http: int = 8000
    grpc: int = 8001
    metrics: int = 8002
    SUCH: ClassVar[str] = "such as --http-port 8000 --grpc-port 8001 --metrics-port 8002"

    def __post_init__(self) -> None:
        refuse_impossible({"http": self.http, "grpc": self.grpc, "metrics": self.metrics}, mend=self.SUCH)
        chosen = (self.http, self.grpc, self.metrics)
        if len(set(chosen)) < len(chosen):
            words = f"http, grpc and metrics need three different ports, not {', '.join(map(str, chosen))}"
            raise Usage(words, mend=self.SUCH)


def refuse_impossible(ports: Mapping[str, int], mend: str = "such as 9000") -> None:
    """Raises Usage for a number that is no port."""
    for name, port in ports.items():
        if not 1 <= port <= 65535:
            raise Usage(f"port {port} ({name}) is not between 1 and 65535", mend=mend)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A recipe on a release: `tp` x `pp` GPUs, limits in requests and tokens. `model_dir` is the user's checkpoint.

    `features` are switches of the engine's build with their values; `fingerprint` stands for the user's own weights;
    of the GPUs, their compute capability decides what the engine is, and which of them they are does not.
    """

    name: str
    recipe_name: str
    variant: str = ""
    recipe: Recipe
    release: Release
    workspace: Workspace
    tp: int = 1
    pp: int = 1
    dtype: str = "float16"
    quantization: str = ""
    kv_cache_dtype: str = ""
    features: Mapping[str, str] = field(default_factory=dict)
    gpus: Gpus
    max_batch_size: int
    max_input_len: int
    max_output_len: int
    ports: Ports = Ports()
    model_dir: Path | None = None
    allow_remote_code: bool = False
    fingerprint: str = ""
    recipe_file: str = ""

    def __post_init__(self) -> None:
        why = "letters, digits, '.', '_' and '-', at most 128"
        if not NAME.fullmatch(self.name):
            raise Usage(f"{self.name!r} is no usable name", why=why, mend=f"such as --name {self.recipe_name}-2")
        if not NAME.fullmatch(self.recipe_name):  # of a recipe's own file: the engine's folder is called so
            raise Usage(f"{self.recipe_name!r} is no usable name of a recipe", why=why, mend="such as mine")
        for word in ("tp", "pp", "max_batch_size", "max_input_len", "max_output_len"):
            if getattr(self, word) < 1:
                flag = word.replace("_", "-")
                raise Usage(
                    f"--{flag} {getattr(self, word)} is less than 1", mend=f"leave it out, or use --{flag} 1 or more"
                )
        _mountable(self.workspace.root, f"name another workspace: export {VARIABLE}=/var/tmp/trtllm")
        if self.model_dir:
            _mountable(self.model_dir, "move the checkpoint to such a path")
        checks.check_split(self.recipe.shape, self.tp, self.pp)
        checks.check_lengths(self.recipe.shape, self.max_input_len, self.max_output_len)
        checks.check_cache(self.max_batch_size, self.max_seq_len)
        checks.check_formats(self.dtype, self.quantization, self.kv_cache_dtype, self.features)
        checks.check_tokens(self.features, self.max_input_len)
        formats = (self.dtype, self.quantization, self.kv_cache_dtype)
        checks.check_compute(self.release, self.gpus, formats, self.features)

    @property
    def said(self) -> str:
        """The recipe in one word, as other commands are told it."""
        return said(self.recipe_name, self.recipe_file, self.variant)

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
    def prompt_table(self) -> int:
        """Rows of the prompt table: one image for each request of a full batch. 0 without a vision tower."""
        return self.recipe.vision.query_tokens * self.max_batch_size if self.recipe.vision else 0

    @property
    def add_special_tokens(self) -> bool:
        """Whether the server's tokenizer adds its special tokens: no chat template of the model writes them."""
        return self.recipe.chat.special_tokens

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
    def datasets_dir(self) -> str:
        """Where the public data sets lie, at their pinned revision."""
        return str(self.workspace.datasets / quantization.table().calibration.revision[:12])

    @property
    def calibration_dir(self) -> str:
        """The data set that quantization is calibrated with and summaries are judged on."""
        return f"{self.datasets_dir}/{quantization.table().calibration.folder}"

    @property
    def engine_name(self) -> str:
        """Readable, and unique to everything that decides what the engine is."""
        model, split = (self.recipe_name, self.variant), f"tp{self.tp}pp{self.pp}"
        made_for = f"sm{self.gpus.sm}" if self.gpus.sm else ""
        return "-".join(filter(None, (*model, self.release.tag, self.quantization, split, made_for, self.identity())))

    @property
    def engine_dir(self) -> str:
        """Where the engine of this deployment lies."""
        return str(self.workspace.engines / self.engine_name)

    @property
    def weights(self) -> tuple[str, ...]:
        """Which weights: the hub's id and commit; of the user's own their fingerprint, or their path while unread."""
        source = self.recipe.checkpoint
        return (self.fingerprint or str(self.model_dir),) if self.model_dir else (source.hub, source.revision)

    def identity(self) -> str:
        """Twelve hexadecimal digits over everything that decides what the engine is; ports and names do not."""
        return hashlib.sha256(json.dumps(self.decisive(), sort_keys=True).encode()).hexdigest()[:12]

    def decisive(self) -> dict[str, object]:
        """Everything that decides what the engine is."""
        return {
            "checkpoint": self.weights,
            "release": [self.release.tag, self.release.tensorrt_llm.commit],
            "tensorrt": self.release.versions.tensorrt,
            "compute": self.gpus.compute,
            "split": [self.tp, self.pp],
            "dtype": self.dtype,
            "quantization": [self.quantization, self.kv_cache_dtype],
            "features": dict(self.features),
            "quirks": sorted([quirk.tool, *map(list, quirk.spellings)] for quirk in self.recipe.quirks),
            "limits": [self.max_batch_size, self.max_input_len, self.max_output_len],
        }


def _mountable(path: Path, mend: str) -> None:
    """Raises Usage for a path that would need quoting on its way into a container."""
    if not PATH.fullmatch(str(path)):
        why = (
            "letters, digits and . _ @ + - / can; anything else would need quoting somewhere on the way: "
            "Triton, too, starts its Python models through a shell"
        )
        raise Usage(f"the path {str(path)!r} can be given neither to a container nor to Triton", why=why, mend=mend)


def deploy(
    recipe_name: str,
    *,
    workspace: Workspace,
    ports: Ports,
    tag: str = "",
    tp: int | None = None,
    pp: int = 1,
    name: str = "",
    dtype: str = "",
    quant: str = "",
    kv_cache_dtype: str = "",
    feature: Iterable[str] = (),
    limits: Mapping[str, int] | None = None,
    model: str = "",
    model_dir: str = "",
    allow_remote_code: bool = False,
    recipe_file: str = "",
    gpus: str = "",
    convert_gpus: str = "",
    compute: str = "",
) -> Deployment:
    """The deployment of a recipe with a release; what is not said (empty, 0) is the recipe's own.

    Raises Usage for an unknown recipe or release and for a value out of range, Trouble for a release too old for it.
    """
    recipe = read_recipe(expanded(recipe_file)) if recipe_file else find_recipe(recipe_name)
    release = find_release(tag or DEFAULT_TAG)
    variant = recipe.variant_name(model) if model else ""
    recipe = recipe.variant(variant)
    checks.check_release(recipe_name, recipe, release)
    checks.check_patches(recipe)
    folder = expanded(model_dir) if model_dir else None
    own = weights.look(folder, recipe) if folder else weights.Weights(recipe=recipe)
    limit = dict(limits or {})
    format_ = quant or recipe.quantization
    tp = recipe.tp if tp is None else tp
    return Deployment(
        name=name or recipe_name,
        recipe_name=recipe_name,
        variant=variant,
        recipe=own.recipe,
        release=release,
        workspace=workspace,
        tp=tp,
        pp=pp,
        dtype=dtype or recipe.dtype,
        quantization="" if format_ == quantization.NONE else format_,
        kv_cache_dtype=kv_cache_dtype or quantization.find(format_).kv_cache_dtype,
        features=features.chosen(feature),
        gpus=chosen(tp * pp, gpus, convert_gpus, compute),
        max_batch_size=limit.get("max_batch_size", own.recipe.limits.max_batch_size),
        max_input_len=limit.get("max_input_len", own.recipe.limits.max_input_len),
        max_output_len=limit.get("max_output_len", own.recipe.limits.max_output_len),
        ports=ports,
        model_dir=folder,
        allow_remote_code=allow_remote_code,
        fingerprint=own.fingerprint,
        recipe_file=str(expanded(recipe_file)) if recipe_file else "",
    )
