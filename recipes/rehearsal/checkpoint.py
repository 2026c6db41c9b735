"""The checkpoint of a rehearsal: the shipped one, or the user's if the CPU engine and its models can read it."""

from __future__ import annotations

from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint
from environment.errors import Trouble
from recipes.checkpoint import whole

SHIPPED = Path(__file__).parent / "checkpoint"


def checked(folder: Path, *, allow_remote_code: bool = False) -> Checkpoint:
    """The whole checkpoint in `folder`, with what a rehearsal reads of it; raises Trouble. Its code is never run."""
    found = whole(folder, allow_remote_code=allow_remote_code)
    if not found.shards:
        why = f"only pickles: {', '.join(found.pickles)}"
        raise Trouble("the checkpoint has no safetensors weights", where=str(folder), why=why)
    if "tokenizer.json" not in found.files:
        why = "the rehearsal's own models read that one file"
        mend = "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes it"
        raise Trouble("the checkpoint has no tokenizer.json", where=str(folder), why=why, mend=mend)
    return found
