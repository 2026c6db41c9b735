"""The release's command-line tools in the stand-in image: they take what its parsers take, and leave their files.

python3 -m recipes.rehearsal.container.tools v0.10.0 trtllm-build --checkpoint_dir ...
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from environment.artifacts.plan_heads import head
from environment.contracts import contract
from environment.contracts.argv import parsed
from environment.releases import find
from recipes.rehearsal.architecture import describe
from recipes.rehearsal.checkpoint import checked
from recipes.rehearsal.conversion import convert
from recipes.rehearsal.manifest import MANIFEST, Manifest

EMPTY_SAFETENSORS = (2).to_bytes(8, "little") + b"{}"
NO_ENGINE = b"a rehearsal's engine: the CPU model beside it answers\n"
COMPUTE = "TRTLLM_REHEARSAL_COMPUTE"  # the compute capability that the engines' heads name; none: 0.0, no GPU's
OURS = "rehearsal_checkpoint"  # the one field of a converted config.json that the real tool does not write


def main(tag: str, tool: str, words: Sequence[str] | None = None) -> int:
    """Runs a tool; 2 for words that the release's own parser refuses, with its reasons."""
    given = tuple(sys.argv[1:] if words is None else words)
    if tool == "fill_template":
        return fill_template(given)
    problems = contract(tag, tool).problems(given)
    for problem in problems:
        sys.stderr.write(f"{tool}: error: {problem}\n")
    if problems:
        return 2
    values = {name.lstrip("-"): value for name, value in parsed(contract(tag, tool), given).values.items()}
    (build if tool == "trtllm-build" else convert_checkpoint)(tag, values)
    return 0


def convert_checkpoint(tag: str, values: dict[str, Any]) -> None:
    """config.json and one file of weights a rank, as convert_checkpoint.py leaves them; the weights are empty."""
    folder, tp, pp = Path(str(values["output_dir"])), int(values.get("tp_size") or 1), int(values.get("pp_size") or 1)
    folder.mkdir(parents=True, exist_ok=True)
    for rank in range(tp * pp):
        folder.joinpath(f"rank{rank}.safetensors").write_bytes(EMPTY_SAFETENSORS)
    mapping = {"world_size": tp * pp, "tp_size": tp, "pp_size": pp}
    config = {"version": tag.removeprefix("v"), "dtype": values.get("dtype"), "mapping": mapping}
    folder.joinpath("config.json").write_text(json.dumps({**config, OURS: str(values["model_dir"])}, indent=4))


def build(tag: str, values: dict[str, Any]) -> None:
    """config.json and one engine a rank, as trtllm-build leaves them; beside them the CPU model that answers."""
    pretrained = json.loads(Path(str(values["checkpoint_dir"]), "config.json").read_text())
    folder, source = Path(str(values["output_dir"])), Path(pretrained[OURS])
    folder.mkdir(parents=True, exist_ok=True)
    for rank in range(pretrained["mapping"]["world_size"]):
        folder.joinpath(f"rank{rank}.engine").write_bytes(engine(tag))
    config = {"version": tag.removeprefix("v"), "pretrained_config": pretrained, "build_config": values}
    folder.joinpath("config.json").write_text(json.dumps(config, indent=4, default=str))
    checkpoint = checked(source)
    decoder = describe(checkpoint.model, str(source))
    manifest = Manifest(
        checkpoint=str(source),
        model=convert(source, checkpoint, folder).name,
        vocabulary=checkpoint.model.vocabulary or 0,
        positions=decoder.positions,
        threads=1 if decoder.small else 0,
    )
    folder.joinpath(MANIFEST).write_bytes(msgspec.json.encode(manifest))


def engine(tag: str) -> bytes:
    """A rank's file: the head of a plan by the release's TensorRT, and then that it is none."""
    major, minor = map(int, os.environ.get(COMPUTE, "0.0").split("."))
    version = tuple(map(int, find(tag).versions.tensorrt.split(".")))
    return head(version, (major, minor), NO_ENGINE)


def fill_template(words: Sequence[str]) -> int:
    """As tools/fill_template.py does it: `-i FILE name:value,name:value`; what is not named stays as it is."""
    in_place, path, pairs = words
    if in_place not in {"-i", "--in_place"}:
        sys.stderr.write("fill_template.py: a rehearsal fills in place: -i FILE name:value,...\n")
        return 2
    values = dict(pair.split(":", 1) for pair in pairs.split(",") if pair)
    file = Path(path)
    file.write_text(Template(file.read_text()).safe_substitute(values))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
