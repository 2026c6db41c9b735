"""`--fix`: reversible edits to our own files, shown, made, checked again, and taken back when they did not help.

Ours is what lies in the workspace, links resolved. Everything else, and everything that needs root, is only printed.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from doctor.outcome import Outcome, State
from doctor.visit import Visit
from environment.console import say
from environment.errors import Trouble

WRONG = (State.FAIL, State.WARN)
TOKENIZER = "tokenizer_config.json"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit for one check: `shown` to the person, `make` does it and answers with what takes it back."""

    check: str
    paths: tuple[Path, ...]
    shown: str
    make: Callable[[], Callable[[], None]]


def repair(outcomes: Sequence[Outcome], visit: Visit, again: Callable[[], Sequence[Outcome]]) -> Sequence[Outcome]:
    """Makes every edit there is for these outcomes; answers with the outcomes after that, as `again` judges them."""
    for edit in edits(outcomes, visit):
        outcomes = _tried(edit, outcomes, again)
    return outcomes


def edits(outcomes: Iterable[Outcome], visit: Visit) -> list[Edit]:
    """The edits that would mend something of ours; nothing is changed yet."""
    wrong = [outcome for outcome in outcomes if outcome.state in WRONG and outcome.id in REPAIRS]
    root = visit.workspace.root.resolve()
    return [edit for edit in (REPAIRS[each.id](each, visit) for each in wrong) if _is_ours(edit, root)]


def _is_ours(edit: Edit, root: Path) -> bool:
    return bool(edit.paths) and all(path.exists() and path.resolve().is_relative_to(root) for path in edit.paths)


def _tried(edit: Edit, before: Sequence[Outcome], again: Callable[[], Sequence[Outcome]]) -> Sequence[Outcome]:
    """The outcomes after an edit; those from before when it did not help, and is taken back."""
    say(f"{edit.check}: {edit.shown}")
    try:
        take_back = edit.make()
    except OSError as error:
        raise Trouble(f"{edit.paths[0]} cannot be changed: {error.strerror}", mend=edit.shown) from error
    after = again()
    if not any(outcome.id == edit.check and outcome.state in WRONG for outcome in after):
        say(f"{edit.check}: mended")
        return after
    take_back()
    say(f"{edit.check}: did not help, taken back")
    return before


def _closed(paths: Sequence[Path], check: str) -> Edit:
    """Takes writing away from everybody else, from all of them at once: the check asks about all."""

    def make() -> Callable[[], None]:
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
        _set({path: mode & ~stat.S_IWOTH for path, mode in modes.items()})
        return partial(_set, modes)

    return Edit(check=check, paths=tuple(paths), shown=f"chmod o-w {shlex.join(map(str, paths))}", make=make)


def _set(modes: Mapping[Path, int]) -> None:
    for path, mode in modes.items():
        path.chmod(mode)


def _workspace(outcome: Outcome, visit: Visit) -> Edit:
    own = [visit.workspace.root] if outcome.data.get("own") else []
    return _closed([*own, *(Path(visit.named.repository) / name for name in _names(outcome, "repository"))], outcome.id)


def _engine(outcome: Outcome, visit: Visit) -> Edit:
    return _closed([Path(visit.named.engine) / name for name in _names(outcome, "names")], outcome.id)


def _names(outcome: Outcome, field: str) -> list[str]:
    """The names an outcome lists in its data."""
    names = outcome.data.get(field)
    return [str(name) for name in names] if isinstance(names, (list, tuple)) else []


def _tokenizer(outcome: Outcome, visit: Visit) -> Edit:
    """Drops the tokens that the tokenizer's own code makes read-only; the file as it was stays beside it."""
    path, names = Path(visit.named.model) / TOKENIZER, _names(outcome, "tokens")
    kept = path.with_name(f"{path.name}.orig")

    def make() -> Callable[[], None]:
        text = path.read_text(encoding="utf-8")
        settings = {name: value for name, value in json.loads(text).items() if name not in names}
        _write(kept, text)
        _write(path, json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
        return partial(_rename, kept, path)

    shown = f"remove {', '.join(names)} from {path} (the file as it was: {kept.name})"
    return Edit(check=outcome.id, paths=(path,), shown=shown, make=make)


def _rename(source: Path, target: Path) -> None:
    source.replace(target)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)


REPAIRS: Mapping[str, Callable[[Outcome, Visit], Edit]] = {
    "C008": _tokenizer,
    "E012": _engine,
    "X007": _workspace,
}
