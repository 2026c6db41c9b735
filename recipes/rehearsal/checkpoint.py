"""The checkpoint of a rehearsal: a shipped one, or the user's if the CPU engine and its models can read it."""

from __future__ import annotations

from pathlib import Path

from environment.artifacts.checkpoint import Checkpoint
from environment.artifacts.heads import Damaged, read_json
from environment.errors import Trouble
from recipes.checkpoint import whole
from recipes.recipe import Recipe

TOKENIZER = 1 << 27  # bytes of a tokenizer.json that are read to see whether it is whole
SHIPPED = Path(__file__).parent / "checkpoint"
# The tiny checkpoint of each architecture that the CPU engine runs (`train.py` makes them).
SHIPPED_FOR = {"Qwen2ForCausalLM": SHIPPED, "LlamaForCausalLM": SHIPPED.with_name("checkpoint-llama")}


def shipped_for(recipe: Recipe) -> Path:
    """The shipped checkpoint of the recipe's architecture; raises Trouble where the CPU engine runs none of it."""
    wanted = recipe.checkpoint.architecture
    if wanted not in SHIPPED_FOR:
        raise Trouble(
            f"{recipe.title} cannot be rehearsed: the CPU engine does not run {wanted}",
            why=f"it runs {' and '.join(SHIPPED_FOR)}, and another model would prove nothing about this one",
            mend="the plan on GPUs is checked all the same (--dry); a rehearsal of another recipe: "
            "./inv serve qwen2 --rehearse",
        )
    return SHIPPED_FOR[wanted]


def checked(folder: Path, *, allow_remote_code: bool = False) -> Checkpoint:
    """The whole checkpoint in `folder`, with what a rehearsal reads of it; raises Trouble. Its code is never run."""
    found = whole(folder, allow_remote_code=allow_remote_code)
    if not found.safe:
        why = f"only pickles: {', '.join(found.pickles)}"
        mend = "AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(DIR) writes them"
        raise Trouble("the checkpoint has no safetensors weights", where=str(folder), why=why, mend=mend)
    if "tokenizer.json" not in found.files:
        why = "the rehearsal's own models read that one file"
        mend = "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes it"
        raise Trouble("the checkpoint has no tokenizer.json", where=str(folder), why=why, mend=mend)
    if isinstance(said := read_json(folder / "tokenizer.json", TOKENIZER), Damaged):
        why = "the server would end at it"
        mend = "download it again: ./inv fetch REPOSITORY --revision COMMIT --into DIR"
        raise Trouble(f"the tokenizer is not whole: {said.reason}", where=str(folder), why=why, mend=mend)
    return found
