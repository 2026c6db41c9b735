"""A user's checkpoint, refused for every reason that would show up later: missing, cut short, with code of its own."""

from __future__ import annotations

from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint, read_checkpoint
from environment.artifacts.heads import Damaged, names_in
from environment.errors import Trouble
from environment.unknown import Unknown

ANEW = "download it again: ./inv fetch REPOSITORY --revision COMMIT --into DIR"


def whole(folder: Path, *, allow_remote_code: bool = False) -> Checkpoint:
    """The whole, readable checkpoint in `folder`; raises Trouble naming what is missing, cut short or not to be run.

    `allow_remote_code`: the person has read the checkpoint's own Python and lets it be loaded.
    """
    if not folder.is_dir():
        raise Trouble(f"there is no model directory {folder}", mend="give a folder that `hf download` made")
    if not names_in(folder):
        raise Trouble(f"the model directory is empty: {folder}", mend="download the checkpoint into it")
    found = read_checkpoint(folder)
    if isinstance(found, Damaged | Unknown):
        what = f"the model directory holds no readable checkpoint: {found.reason}"
        raise Trouble(what, where=str(folder), mend=f"./inv inspect {folder}   says what it is")
    refuse_incomplete(found, folder)
    if found.remote_code and not allow_remote_code:
        raise Trouble(
            "the checkpoint needs remote code",
            where=str(folder),
            why=f"it wants to run its own Python: {', '.join(found.remote_code)}",
            mend="read those files; if you trust them: --allow-remote-code",
        )
    return found


def refuse_incomplete(found: Checkpoint, folder: Path) -> None:
    """Raises Trouble for git-lfs pointers, for missing or truncated shards, and for no weights at all."""
    where = str(folder)
    if found.pointers:
        why = f"git-lfs pointers stand in place of {', '.join(found.pointers)}"
        raise Trouble("the weights were not downloaded", where=where, why=why, mend=f"git -C {folder} lfs pull")
    faults = [f"{shard.name}: {shard.fault}" for shard in found.shards if shard.fault]
    if faults:
        raise Trouble("the weights are not whole: " + "; ".join(faults), where=where, mend=ANEW)
    if not (found.shards or found.pickles):
        raise Trouble(
            "the checkpoint has no weights", where=where, why="no *.safetensors, and no *.bin either", mend=ANEW
        )
