"""`--templates DIR`: a tensorrtllm_backend checkout as model repository: templates filled, models as `serve` has them.

What this leaves as upstream has it, and a real server of that release has too, is which model the client has to ask
for whole characters (recipes/front.py).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environment.contracts import placeholders as known_placeholders
from environment.data import read_toml
from environment.errors import Trouble
from recipes import patches
from recipes.front import BLS, Front, front
from recipes.model_repository import fill, placeholders_in
from recipes.rehearsal.repository import Layout
from recipes.template_values import VALUES, TemplateValues

TEMPLATES = "all_models/inflight_batcher_llm"
CONFIG = "config.pbtxt"
CHECKOUT = "git -C DIR status   shows what is not as it was checked out"
SOURCE_LIMIT = 1 << 20  # bytes of one file of a model


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The files of a model repository, and the model to ask."""

    files: Mapping[str, str]
    front: Front


def repository(checkout: Path, release: str, layout: Layout) -> Repository:
    """The checkout's model repository, filled strictly; raises Trouble when it is not one of this release."""
    require_transformers()
    templates = read_templates(checkout)
    refuse_other_release({model: placeholders_in(text) for model, text in templates.items()}, release, checkout)
    said = values(layout)
    filled = {f"{model}/{CONFIG}": filled_in(model, text, said) for model, text in templates.items()}
    asked = front(placeholders_in(templates.get(BLS, "")))
    models = patches.patched(sources(checkout / TEMPLATES), patches.ALWAYS, release)
    return Repository(files={**models, **filled}, front=asked)


def require_transformers() -> None:
    """Upstream's Python models import transformers, which a rehearsal of our own models does without."""
    if importlib.util.find_spec("transformers") is None:
        why = "the checkout's preprocessing and postprocessing import it"
        mend = ".venv/bin/python -m pip install --no-deps --require-hashes -r requirements-dev.lock"
        raise Trouble("--templates needs the package transformers", why=why, mend=mend)


def read_templates(checkout: Path) -> dict[str, str]:
    """Model -> its config.pbtxt, unfilled."""
    found = sorted((checkout / TEMPLATES).glob(f"*/{CONFIG}"))
    if not found:
        mend = "git clone --branch TAG https://github.com/triton-inference-server/tensorrtllm_backend DIR"
        raise Trouble(f"{checkout} is no checkout of tensorrtllm_backend: it has no {TEMPLATES}/*/{CONFIG}", mend=mend)
    return {path.parent.name: read_text(path) for path in found}


def refuse_other_release(found: Mapping[str, tuple[str, ...]], release: str, checkout: Path) -> None:
    """Raises Trouble when the placeholders are not those that the release is known to have."""
    known = {model: {each.name for each in names} for model, names in known_placeholders(release).items()}
    for model in sorted({*known, *found}):
        has, wants = set(found.get(model, ())), known.get(model, set())
        if has != wants:
            told = {"lacks the placeholders": wants - has, "has placeholders of another release:": has - wants}
            differs = "; it ".join(f"{words} {', '.join(sorted(names))}" for words, names in told.items() if names)
            raise Trouble(
                f"the checkout is not one of {release}: {model} {differs}",
                where=str(checkout / TEMPLATES / model / CONFIG),
                mend=f"git -C {checkout} checkout {release}, or name its release: --tag TAG",
            )


def values(layout: Layout) -> dict[str, str]:
    """Placeholder -> value, as `serve` on GPUs fills them, with a rehearsal's folders and sizes."""
    fields = {
        "max_batch_size": layout.max_batch_size,
        "engine_dir": layout.engine,
        "checkpoint_dir": layout.tokenizer,
        "kv_cache_tokens": "",
        "max_seq_len": "",
        "add_special_tokens": layout.add_special_tokens,
    }
    return {name: text.format_map(fields) for name, text in read_toml(VALUES, TemplateValues).values.items()}


def filled_in(model: str, text: str, said: Mapping[str, str]) -> str:
    """One template with exactly its own placeholders filled."""
    try:
        return fill(text, {name: said[name] for name in placeholders_in(text) if name in said})
    except Trouble as trouble:
        raise Trouble(f"{model}/{CONFIG}: {trouble.what}", why=trouble.why, mend=trouble.mend) from trouble


def sources(folder: Path) -> dict[str, str]:
    """Every other file of the models, as it is; an empty version folder by a marker."""
    files = {str(path.relative_to(folder)): read_text(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    return {**{f"{model.parent.name}/1/.keep": "" for model in folder.glob(f"*/{CONFIG}")}, **files}


def read_text(path: Path) -> str:
    """A small text file; raises Trouble for what is none."""
    try:
        if path.stat().st_size > SOURCE_LIMIT:
            what = f"{path} is larger than {SOURCE_LIMIT} bytes, so it is no file of a model's template"
            raise Trouble(what, mend=CHECKOUT)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {path}: {error}", mend=CHECKOUT) from error
