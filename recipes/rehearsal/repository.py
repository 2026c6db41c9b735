"""The model repository of a rehearsal: a release's four models, with small models of our own behind three of them.

Pure: path -> text. The engine's folder, where a TensorRT engine would be, holds the manifest that names the checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from recipes.front import ENSEMBLE
from recipes.rehearsal.tensors import Step, Tensor, Tensors

MODEL_PY = """\
import triton_python_backend_utils  # it leads to the project that `recipes` is in, so it comes first
from recipes.rehearsal.models.{model} import TritonPythonModel
"""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What fills the repository: folders as the server sees them, and how many requests at once.

    `whole_characters`: the engine's streamed pieces end between characters, which a real one's do not.
    """

    tokenizer: Path
    engine: Path
    max_batch_size: int
    add_special_tokens: bool = False
    whole_characters: bool = True


def files(tensors: Tensors, layout: Layout) -> dict[str, str]:
    """Every file of the repository by its path in it; an empty text is an empty folder's marker."""
    made = {f"{name}/config.pbtxt": config(name, tensors, layout) for name in tensors.models}
    made |= {f"{name}/1/model.py": MODEL_PY.format(model=name) for name in ("preprocessing", "postprocessing")}
    return made | {f"{name}/1/.keep": "" for name in (ENSEMBLE, "tensorrt_llm")}


def config(name: str, tensors: Tensors, layout: Layout) -> str:
    """The config.pbtxt of one model."""
    model = tensors.models[name]
    lines = [
        f'name: "{name}"',
        *HEADS[name],
        f"max_batch_size: {layout.max_batch_size}",
        *tensor_lines("input", model.inputs),
        *tensor_lines("output", model.outputs),
    ]
    if name == ENSEMBLE:
        lines += _scheduling(tensors.steps)
    lines += [parameter(key, value) for key, value in parameters(name, layout).items()]
    return "\n".join(lines) + "\n"


CPU = "instance_group [{ count: 1 kind: KIND_CPU }]"
HEADS: Mapping[str, tuple[str, ...]] = {
    "preprocessing": ('backend: "python"', CPU),
    "postprocessing": ('backend: "python"', CPU),
    "tensorrt_llm": ('backend: "tensorrtllm"', CPU, "model_transaction_policy { decoupled: true }"),
    ENSEMBLE: ('platform: "ensemble"',),
}


def parameters(name: str, layout: Layout) -> dict[str, str]:
    """A model's parameters, under the names of the release's templates; `whole_characters` is the stand-in's own."""
    tokenizer = str(layout.tokenizer)
    known = {
        "preprocessing": {"tokenizer_dir": tokenizer, "add_special_tokens": str(layout.add_special_tokens)},
        "postprocessing": {"tokenizer_dir": tokenizer, "skip_special_tokens": "True"},
        "tensorrt_llm": {
            "gpt_model_type": "inflight_fused_batching",
            "gpt_model_path": str(layout.engine),
            "exclude_input_in_output": "True",
            **({"whole_characters": tokenizer} if layout.whole_characters else {}),
        },
    }
    return known.get(name, {})


def tensor_lines(kind: str, named: Mapping[str, Tensor]) -> Iterator[str]:
    """The `input` or `output` lines of a config.pbtxt."""
    for name, tensor in named.items():
        words = [f"name: {_text(name)}", f"data_type: TYPE_{tensor.type}", f"dims: {list(tensor.dims)}"]
        if tensor.reshape is not None:
            words.append(f"reshape {{ shape: {list(tensor.reshape)} }}")
        words += ["optional: true"] * tensor.optional + ["allow_ragged_batch: true"] * tensor.ragged
        yield f"{kind} {{ {' '.join(words)} }}"


def _scheduling(steps: tuple[Step, ...]) -> Iterator[str]:
    yield "ensemble_scheduling {"
    for step in steps:
        yield f"  step {{ model_name: {_text(step.model)} model_version: -1"
        for kind, names in (("input_map", step.inputs), ("output_map", step.outputs)):
            yield from (f"    {kind} {{ key: {_text(key)} value: {_text(value)} }}" for key, value in names.items())
        yield "  }"
    yield "}"


def parameter(key: str, value: str) -> str:
    """One parameter of a config.pbtxt."""
    return f"parameters {{ key: {_text(key)} value {{ string_value: {_text(value)} }} }}"


def _text(value: str) -> str:
    """A protobuf text-format string: JSON's escapes are among the ones it takes."""
    return json.dumps(value)
