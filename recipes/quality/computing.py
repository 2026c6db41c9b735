"""Computes what a checkpoint answers, with the CPU engine of a rehearsal: `python -m recipes.quality.computing A B`.

A is the checkpoint's folder, B where its answers (and the converted model) are kept. Greedy, one token after another,
through the checkpoint's own chat template and tokenizer; nothing of Triton, its models or its client takes part.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint
from environment.errors import ExitCode, Trouble, Undetermined
from recipes import processes
from recipes.prompt import chat_template, prompt
from recipes.quality.agreement import Questions, Reference, questions
from recipes.quality.reference import keep
from recipes.rehearsal.architecture import describe
from recipes.rehearsal.checkpoint import checked
from recipes.rehearsal.conversion import INT8_FROM, convert, identity
from recipes.rehearsal.ctranslate import CTranslate2
from recipes.rehearsal.engine import Engine, Sampling
from recipes.rehearsal.text import load_tokenizer
from recipes.rehearsal.weights import open_weights
from recipes.weights import fingerprint

SPARE = 1.5  # times the weights: they are held twice while the last of them are written, but never all of them


def compute(folder: Path, kept: Path) -> Reference:
    """The checkpoint's answers; raises Trouble for one that the CPU engine does not run or this host cannot hold."""
    checkpoint = checked(folder)
    decoder = describe(checkpoint.model, str(folder))
    bits = refuse_too_large(folder, checkpoint)
    with converted(folder, checkpoint, kept) as model:
        engine = CTranslate2(
            model,
            vocabulary=checkpoint.model.vocabulary or 0,
            positions=decoder.positions,
            workers=1,
            threads=1 if decoder.small else 0,
        )
        said = answers(engine, folder, checkpoint, questions())
    source = f"computed from the checkpoint by CTranslate2 on a CPU, {bits}-bit weights"
    return Reference(checkpoint=fingerprint(folder), source=source, answers=said)


@contextmanager
def converted(folder: Path, checkpoint: Checkpoint, kept: Path) -> Iterator[Path]:
    """The CPU engine's model of the checkpoint: one that a rehearsal made, or one that is removed afterwards."""
    place = kept / f"cpu-{identity(folder, checkpoint)}"
    there = place.exists()
    try:
        yield convert(folder, checkpoint, kept)
    finally:
        if not there:
            shutil.rmtree(place, ignore_errors=True)


def refuse_too_large(folder: Path, checkpoint: Checkpoint) -> int:
    """The bits of a weight; raises Undetermined when they do not fit into the memory that is free now."""
    parameters = open_weights(folder, tuple(shard.name for shard in checkpoint.shards)).parameters()
    bits = 8 if parameters >= INT8_FROM else 32
    needed, free = int(parameters * bits / 8 * SPARE), processes.free_memory()
    if needed > free:
        what = f"the CPU engine needs {needed >> 20} MiB of memory for it, {free >> 20} MiB are free"
        raise Undetermined(what, mend="free some, or keep the answers of another engine: ./inv quality --keep")
    return bits


def answers(engine: Engine, folder: Path, checkpoint: Checkpoint, asked: Questions) -> dict[str, str]:
    """Question -> greedy answer, all questions as one batch."""
    tokenizer = load_tokenizer(folder)
    chat = chat_template(folder) is not None
    prompts = [tokenizer.encode(prompt(question, folder), add_special_tokens=not chat).ids for question in asked.asked]
    ends = {*checkpoint.generation_eos_ids, *checkpoint.model.eos_ids}
    said = generated(engine, prompts, ends, asked.max_tokens)
    return {
        question: tokenizer.decode(ids, skip_special_tokens=True)
        for question, ids in zip(asked.asked, said, strict=True)
    }


def generated(engine: Engine, prompts: Sequence[Sequence[int]], ends: set[int], limit: int) -> list[list[int]]:
    """The token ids of each answer, up to its end token or `limit`."""
    said: list[list[int]] = [[] for _ in prompts]

    def on_token(place: int, token: int, _: float) -> bool:
        if token not in ends:
            said[place].append(token)
        return token in ends

    engine.generate(prompts, limit, Sampling(), on_token)
    return said


def main(folder: str, kept: str) -> int:
    """Computes and keeps the answers; the reason why it cannot goes to standard error."""
    try:
        keep(compute(Path(folder), Path(kept)), Path(folder), Path(kept))
    except (Trouble, OSError, MemoryError) as reason:
        sys.stderr.write(str(getattr(reason, "what", reason)) or "there is not enough memory")
        return ExitCode.UNKNOWN
    return ExitCode.OK


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
