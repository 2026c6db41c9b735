"""The checkpoint of a rehearsal: the shipped one or the user's, refused for every reason that would show up later."""

from __future__ import annotations

from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from environment.artifacts.heads import Damaged, names_in
from environment.errors import Trouble
from environment.unknown import Unknown

SHIPPED = Path(__file__).parent / "checkpoint"


def checked(folder: Path) -> Checkpoint:
    """The whole, readable checkpoint in `folder`; raises Trouble naming what is missing, cut short or not to be run."""
    if not folder.is_dir():
        raise Trouble(f"there is no model directory {folder}", mend="give a folder that `hf download` made")
    if not names_in(folder):
        raise Trouble(f"the model directory is empty: {folder}", mend="download the checkpoint into it")
    found = read_checkpoint(folder)
    if isinstance(found, Damaged | Unknown):
        raise Trouble(f"the model directory holds no readable checkpoint: {found.reason}", where=str(folder))
    refuse_incomplete(found, folder)
    if "tokenizer.json" not in found.files:
        why = "the rehearsal's own models read that one file"
        mend = "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes it"
        raise Trouble("the checkpoint has no tokenizer.json", where=str(folder), why=why, mend=mend)
    return found


def refuse_incomplete(found: Checkpoint, folder: Path) -> None:
    """Raises Trouble for pointers, missing or truncated shards, weights that are pickles, and code of its own."""
    where = str(folder)
    if found.pointers:
        why = f"git-lfs pointers stand in place of {', '.join(found.pointers)}"
        raise Trouble("the weights were not downloaded", where=where, why=why, mend=f"git -C {folder} lfs pull")
    faults = [f"{shard.name}: {shard.fault}" for shard in found.shards if shard.fault]
    if faults:
        raise Trouble("the weights are not whole: " + "; ".join(faults), where=where, mend="download those files again")
    if not found.shards:
        why = f"only pickles: {', '.join(found.pickles)}" if found.pickles else "no *.safetensors"
        raise Trouble("the checkpoint has no safetensors weights", where=where, why=why)
    if found.remote_code:
        why = f"it wants to run its own Python: {', '.join(found.remote_code)}"
        mend = "rehearse with a checkpoint of a stock architecture; its code is never run here"
        raise Trouble("the checkpoint needs remote code", where=where, why=why, mend=mend)
